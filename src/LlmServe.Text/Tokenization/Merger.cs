namespace LlmServe.Text.Tokenization;

/// <summary>Which neighbouring symbols may merge, in which order, and into what.</summary>
internal interface IMergeRule
{
    /// <summary>Looks up the merge of two neighbours.</summary>
    /// <param name="left">Token of the left symbol, or −1.</param>
    /// <param name="right">Token of the right symbol, or −1.</param>
    /// <param name="start">Where the left symbol's bytes begin in the piece.</param>
    /// <param name="end">Where the right symbol's bytes end in the piece.</param>
    /// <param name="rank">Merges are done in rising rank, from left to right among equals; never <see cref="int.MaxValue"/>.</param>
    /// <param name="merged">Token of the merged symbol.</param>
    bool TryMerge(int left, int right, int start, int end, out int rank, out int merged);
}

/// <summary>
/// Merges the symbols of one piece: always the merge of lowest rank, the leftmost among equals, until none is left. Short pieces are scanned, which
/// is fastest for words; long ones go through a linked list and a heap in n·log n steps. Both give the same result.
/// </summary>
internal static class Merger
{
    private const int None = int.MaxValue;

    /// <summary>Symbols up to which scanning is used.</summary>
    internal const int ScanLimit = 40;

    /// <summary>Merges <paramref name="count"/> symbols in <see cref="EncodeBuffers.Ids"/> and <see cref="EncodeBuffers.Starts"/> in place.</summary>
    /// <returns>The number of symbols left.</returns>
    public static int Merge<TRule>(in TRule rule, EncodeBuffers buffers, int count) where TRule : struct, IMergeRule, allows ref struct
    {
        if (count < 2)
        {
            return count;
        }

        for (int i = 0; i < count - 1; i++)
        {
            Look(rule, buffers, i, i + 1, buffers.Starts[i + 2]);
        }

        return count <= ScanLimit ? MergeByScan(rule, buffers, count) : MergeByHeap(rule, buffers, count);
    }

    private static void Look<TRule>(in TRule rule, EncodeBuffers b, int left, int right, int end) where TRule : struct, IMergeRule, allows ref struct
    {
        if (!rule.TryMerge(b.Ids[left], b.Ids[right], b.Starts[left], end, out b.Ranks[left], out b.Merged[left]))
        {
            b.Ranks[left] = None;
        }
    }

    private static int MergeByScan<TRule>(in TRule rule, EncodeBuffers b, int count) where TRule : struct, IMergeRule, allows ref struct
    {
        while (count > 1)
        {
            int best = 0;
            var ranks = b.Ranks.AsSpan(0, count - 1);
            for (int i = 1; i < ranks.Length; i++)
            {
                if (ranks[i] < ranks[best])
                {
                    best = i;
                }
            }

            if (ranks[best] == None)
            {
                break;
            }

            b.Ids[best] = b.Merged[best];
            count--;
            RemoveAfter(b, best, count);
            if (best > 0)
            {
                Look(rule, b, best - 1, best, b.Starts[best + 1]);
            }

            if (best < count - 1)
            {
                Look(rule, b, best, best + 1, b.Starts[best + 2]);
            }
        }

        return count;
    }

    /// <summary>Closes the gap behind the symbol that took in its neighbour; plain loops, since words are too short for block copies.</summary>
    private static void RemoveAfter(EncodeBuffers b, int index, int count)
    {
        int[] ids = b.Ids, starts = b.Starts, ranks = b.Ranks, merged = b.Merged;
        for (int i = index + 1; i < count; i++)
        {
            ids[i] = ids[i + 1];
            starts[i] = starts[i + 1];
            ranks[i - 1] = ranks[i];
            merged[i - 1] = merged[i];
        }

        starts[count] = starts[count + 1];
    }

    private static int MergeByHeap<TRule>(in TRule rule, EncodeBuffers b, int count) where TRule : struct, IMergeRule, allows ref struct
    {
        b.ReserveHeap(count);
        for (int i = 0; i < count; i++)
        {
            b.Next[i] = i + 1;
            b.Previous[i] = i - 1;
        }

        b.Ranks[count - 1] = None;
        var heap = new MergeHeap(b, count);
        while (heap.TryPop(out int rank, out int left))
        {
            // An entry is stale where its symbol has merged since; the rank then differs, or an equal entry stands for the same merge.
            if (b.Ranks[left] != rank)
            {
                continue;
            }

            int right = b.Next[left];
            int next = b.Next[right];
            b.Ids[left] = b.Merged[left];
            b.Ranks[right] = None;
            b.Next[left] = next;
            b.Ranks[left] = None;
            if (next < count)
            {
                b.Previous[next] = left;
                Look(rule, b, left, next, b.Starts[b.Next[next]]);
                heap.PushIfOpen(left);
            }

            int previous = b.Previous[left];
            if (previous >= 0)
            {
                Look(rule, b, previous, left, b.Starts[next]);
                heap.PushIfOpen(previous);
            }
        }

        return Compact(b, count);
    }

    private static int Compact(EncodeBuffers b, int count)
    {
        int kept = 0;
        int end = b.Starts[count];
        for (int i = 0; i < count; i = b.Next[i])
        {
            b.Ids[kept] = b.Ids[i];
            b.Starts[kept++] = b.Starts[i];
        }

        b.Starts[kept] = end;
        return kept;
    }
}
