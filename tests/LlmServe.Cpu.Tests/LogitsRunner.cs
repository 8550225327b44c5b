using System.Runtime.InteropServices;
using System.Security.Cryptography;
using LlmServe.Execution;

namespace LlmServe.Cpu.Tests;

/// <summary>Feeds token sequences to an executor, in any mixture of rows, and collects the logits of every position.</summary>
internal sealed class LogitsRunner
{
    private readonly IProgramExecutor _executor;
    private readonly int[][] _sequences;
    private readonly int[] _done;

    /// <param name="executor">Slot s holds sequence s.</param>
    /// <param name="sequences">Token ids.</param>
    /// <param name="blocks">Block ids of each sequence; null: descending ones, so that a mix-up of blocks shows.</param>
    public LogitsRunner(IProgramExecutor executor, int[][] sequences, int[][]? blocks = null)
    {
        _executor = executor;
        _sequences = sequences;
        _done = new int[sequences.Length];
        Logits = [.. sequences.Select(ids => new float[ids.Length * executor.Model.VocabularySize])];
        int first = 0;
        for (int slot = 0; slot < sequences.Length; slot++)
        {
            int count = KvBlock.CountFor(sequences[slot].Length);
            int end = first + count;
            int[] ids = blocks?[slot] ?? [.. Enumerable.Range(1, count).Select(i => end - i)];
            for (int group = 0; group < executor.Memory.KvGroups.Count; group++)
            {
                Assert.All(ids, id => Assert.InRange(id, 0, executor.Memory.KvGroups[group].Blocks - 1));
                ids.CopyTo(executor.Rows.BlockTable(slot, group));
            }

            first = end;
        }
    }

    /// <summary>Per sequence: logits of its positions. [ids, vocabulary]</summary>
    public float[][] Logits { get; }

    /// <summary>Tokens of a sequence that have not run.</summary>
    public int Left(int slot) => _sequences[slot].Length - _done[slot];

    /// <summary>Takes positions as done: their keys and values stand in blocks that another sequence has filled.</summary>
    public void Assume(int slot, int positions) => _done[slot] = positions;

    /// <summary>Runs one tick: each entry is the slot of a row, which takes the sequence's next token.</summary>
    public void Tick(IEnumerable<int> slots)
    {
        var rows = _executor.Rows;
        rows.Clear();
        foreach (int slot in slots)
        {
            int position = _done[slot]++;
            rows.Add(slot, position, _sequences[slot][position], select: true);
        }

        HideUnseen();
        _executor.RunTick();
        int vocabulary = _executor.Model.VocabularySize;
        for (int i = 0; i < rows.Count; i++)
        {
            _executor.Logits(i).CopyTo(Logits[rows.RowSlots[i]].AsSpan(rows.Positions[i] * vocabulary, vocabulary));
        }
    }

    /// <summary>What no later row sees is not read: whatever stands in the block tables there.</summary>
    private void HideUnseen()
    {
        var rows = _executor.Rows;
        for (int group = 0; group < _executor.Memory.KvGroups.Count; group++)
        {
            int[] first = [.. Enumerable.Repeat(int.MaxValue, rows.Slots)];
            for (int i = 0; i < rows.Count; i++)
            {
                int slot = rows.RowSlots[i];
                first[slot] = Math.Min(first[slot], _executor.Memory.KvGroups[group].Visibility.First(rows.Positions[i]) / KvBlock.Positions);
            }

            for (int slot = 0; slot < first.Length; slot++)
            {
                rows.BlockTable(slot, group)[..(first[slot] == int.MaxValue ? 0 : first[slot])].Fill(int.MinValue / 2);
            }
        }
    }

    /// <summary>Runs what is left of a sequence in pieces.</summary>
    public float[] Finish(int slot, int chunk)
    {
        while (Left(slot) > 0)
        {
            Tick(Enumerable.Repeat(slot, Math.Min(chunk, Left(slot))));
        }

        return Logits[slot];
    }

    /// <summary>Logits of all positions of one sequence, in pieces of <paramref name="chunk"/>. [ids, vocabulary]</summary>
    public static float[] Run(IProgramExecutor executor, int[] ids, int chunk) => new LogitsRunner(executor, [ids]).Finish(0, chunk);

    /// <summary>Gives a slot the blocks for some positions, in descending order so that a mix-up of blocks shows.</summary>
    public static void AssignBlocks(IProgramExecutor executor, int slot, int positions, int first)
    {
        int count = KvBlock.CountFor(positions);
        for (int i = 0; i < count; i++)
        {
            executor.Rows.BlockTable(slot)[i] = first + count - 1 - i;
        }
    }

    /// <summary>SHA-256 of the little-endian bytes.</summary>
    public static string Digest(ReadOnlySpan<float> logits) => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(logits)));
}
