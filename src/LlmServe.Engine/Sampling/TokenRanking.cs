using LlmServe.Execution.Numerics;

namespace LlmServe.Engine.Sampling;

/// <summary>
/// Tokens by rank with their weights exp(l − l₀) (NUMERICS, sampling, step 4), without sorting the vocabulary.
/// The running sum starts at 1 and only grows, and adding less than half a unit in its last place does not change it; ranks from there on
/// can neither move a sum nor be drawn, so they are left out and every sum keeps its exact bits.
/// </summary>
internal sealed class TokenRanking
{
    /// <summary>exp(−17.4) is below 2^-25, a quarter of a unit in the last place of 1.</summary>
    private const float Range = 17.4f;

    /// <summary>Times the running sum: at most a quarter of a unit in its last place. A quarter, not a half, leaves room for exp being one unit off.</summary>
    private const float Negligible = 1f / (1 << 26);

    /// <summary>Up to this many candidates one sort is cheaper than buckets.</summary>
    private const int SortDirectly = 256;

    /// <summary>Up to this many keys insertion is the fastest sort.</summary>
    private const int InsertionSort = 20;

    /// <summary>Tokens per bucket when logits are spread evenly: the flattest rows are the slowest, so buckets are made for them.</summary>
    private const int TokensPerBucket = 12;

    /// <summary>With top-k, narrow ranges are tried first: they nearly always hold k tokens, and far fewer than the whole.</summary>
    private static readonly float[] NarrowRanges = [1.5f, 5f];

    private readonly int[] _ids; // [vocabulary]
    private readonly ulong[] _keys; // [vocabulary], unordered
    private readonly ulong[] _ranked; // [vocabulary], by bucket, then sorted
    private readonly float[] _weights; // [vocabulary]
    private readonly int[] _bucketEnds; // [buckets]
    private readonly float _bucketsPerUnit;

    /// <param name="vocabulary">Most tokens.</param>
    public TokenRanking(int vocabulary)
    {
        _ids = new int[vocabulary];
        _keys = new ulong[vocabulary];
        _ranked = new ulong[vocabulary];
        _weights = new float[vocabulary];
        _bucketsPerUnit = Math.Max(16, vocabulary / (int)Range / TokensPerBucket);
        _bucketEnds = new int[(int)(Range * _bucketsPerUnit) + 2];
    }

    /// <summary>Ranks that are left.</summary>
    public int Count { get; private set; }

    /// <summary>Sum of the weights that are left, added in rank order.</summary>
    public float Sum { get; private set; }

    /// <summary>The token at a rank below <see cref="Count"/>.</summary>
    public int Token(int rank) => (int)(uint)_ranked[rank];

    /// <summary>Ranks the first <paramref name="limit"/> tokens of logits / temperature, descending, ties to the lower id.</summary>
    /// <param name="logits">[vocabulary]</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="limit">Top-k; 0: all.</param>
    /// <param name="least">Ranks below this weight may be left out, because <see cref="KeepMinP"/> drops them next; 0: none.</param>
    public void Rank(ReadOnlySpan<float> logits, float temperature, int limit, float least = 0)
    {
        float best = LogitScan.Max(logits) / temperature;
        if (!float.IsFinite(best))
        {
            // No finite largest logit: weights would be NaN. Taking the first of the largest keeps the stream alive and the choice defined.
            SetSingle(LogitScan.ArgMax(logits));
            return;
        }

        limit = limit <= 0 ? int.MaxValue : limit;
        // A little wider than ln says, so that its last bit does not matter.
        float widest = least > 0 ? Math.Min(Range, 1e-3f - MathF.Log(least)) : Range;
        int count = limit < logits.Length / 8 ? CollectNarrow(logits, temperature, best, limit, widest) : 0;
        count = count > 0 ? count : CollectKeys(logits, temperature, best, widest);
        Count = 0;
        Sum = 0;
        if (count <= SortDirectly)
        {
            _keys.AsSpan(0, count).CopyTo(_ranked);
            Sort(_ranked.AsSpan(0, count));
            TakeSorted(0, count, best, limit);
        }
        else
        {
            TakeBuckets(count, best, limit);
        }
    }

    /// <summary>Keeps the shortest prefix whose running sum reaches this share of <see cref="Sum"/>.</summary>
    public void KeepTopP(float share)
    {
        float target = share * Sum;
        float running = 0;
        for (int rank = 0; rank < Count; rank++)
        {
            running += _weights[rank];
            if (running >= target)
            {
                Count = rank + 1;
                Sum = running;
                return;
            }
        }
    }

    /// <summary>Keeps ranks with at least this weight (the first rank's is 1).</summary>
    public void KeepMinP(float least)
    {
        int kept = 0;
        float sum = 0;
        for (int rank = 0; rank < Count; rank++)
        {
            if (_weights[rank] >= least)
            {
                _ranked[kept] = _ranked[rank];
                _weights[kept] = _weights[rank];
                sum += _weights[kept++];
            }
        }

        Count = kept;
        Sum = sum;
    }

    /// <summary>
    /// Drops all ranks but the last of those with at least this share of <see cref="Sum"/>, and those with so little that ranks which were never collected
    /// could have as much.
    /// </summary>
    public void ExcludeTopChoices(float threshold)
    {
        float least = threshold * Sum;
        int likely = 0;
        while (likely < Count && _weights[likely] >= least)
        {
            likely++;
        }

        if (likely < 2)
        {
            return;
        }

        float negligible = Sum * (1f / (1 << 24));
        int kept = 0;
        float sum = 0;
        for (int rank = likely - 1; rank < Count && _weights[rank] >= negligible; rank++)
        {
            _ranked[kept] = _ranked[rank];
            _weights[kept] = _weights[rank];
            sum += _weights[kept++];
        }

        Count = kept;
        Sum = sum;
    }

    /// <summary>The token of the first rank whose running sum exceeds <paramref name="uniform"/> · <see cref="Sum"/>, else of the last.</summary>
    public int Draw(float uniform)
    {
        float target = uniform * Sum;
        float running = 0;
        for (int rank = 0; rank < Count - 1; rank++)
        {
            running += _weights[rank];
            if (running > target)
            {
                return Token(rank);
            }
        }

        return Token(Count - 1);
    }

    private void SetSingle(int token)
    {
        _ranked[0] = (uint)token;
        _weights[0] = 1;
        Count = 1;
        Sum = 1;
    }

    /// <summary>Keys of a narrow range that holds at least <paramref name="limit"/> tokens; 0: no such range.</summary>
    private int CollectNarrow(ReadOnlySpan<float> logits, float temperature, float best, int limit, float widest)
    {
        foreach (float range in NarrowRanges)
        {
            int count = range < widest ? CollectKeys(logits, temperature, best, range) : 0;
            if (count >= limit)
            {
                return count;
            }
        }

        return 0;
    }

    /// <summary>Keys of all tokens at most <paramref name="range"/> below the best, in ascending id.</summary>
    private int CollectKeys(ReadOnlySpan<float> logits, float temperature, float best, float range)
    {
        // The cut is taken before the division, a little low, so that the exact test below decides.
        double slack = 1e-5 + (Math.Abs((double)best) + range) * (1.0 / (1 << 22));
        float cut = MathF.BitDecrement((float)((best - range - slack) * temperature));
        int found = LogitScan.AtLeast(logits, cut, _ids);
        int count = 0;
        foreach (int id in _ids.AsSpan(0, found))
        {
            float value = logits[id] / temperature + 0f; // + 0 makes −0 equal to 0 in the key as well
            if (best - value <= range)
            {
                _keys[count++] = (ulong)DescendingKey(value) << 32 | (uint)id;
            }
        }

        return count;
    }

    /// <summary>Counting sort by bucket, then each bucket is sorted when its turn comes.</summary>
    private void TakeBuckets(int count, float best, int limit)
    {
        Array.Clear(_bucketEnds);
        foreach (ulong key in _keys.AsSpan(0, count))
        {
            _bucketEnds[Bucket(best, ValueOf(key))]++;
        }

        int last = 0;
        int total = 0;
        for (int bucket = 0; bucket < _bucketEnds.Length; bucket++)
        {
            int size = _bucketEnds[bucket];
            _bucketEnds[bucket] = total; // start now, end after the scatter
            total += size;
            last = size > 0 && _bucketEnds[bucket] < limit ? bucket : last;
        }

        foreach (ulong key in _keys.AsSpan(0, count))
        {
            int bucket = Bucket(best, ValueOf(key));
            if (bucket <= last)
            {
                _ranked[_bucketEnds[bucket]++] = key;
            }
        }

        int start = 0;
        for (int bucket = 0; bucket <= last; bucket++)
        {
            int end = _bucketEnds[bucket];
            if (end > start)
            {
                Sort(_ranked.AsSpan(start, end - start));
                if (!TakeSorted(start, end, best, limit))
                {
                    return;
                }
            }

            start = end;
        }
    }

    private static void Sort(Span<ulong> keys)
    {
        if (keys.Length > InsertionSort)
        {
            keys.Sort();
            return;
        }

        for (int i = 1; i < keys.Length; i++)
        {
            ulong key = keys[i];
            int at = i;
            for (; at > 0 && keys[at - 1] > key; at--)
            {
                keys[at] = keys[at - 1];
            }

            keys[at] = key;
        }
    }

    /// <summary>Appends the ranks start … end − 1. False when no later rank can matter.</summary>
    private bool TakeSorted(int start, int end, float best, int limit)
    {
        float sum = Sum;
        for (int rank = start; rank < end && rank < limit; rank++)
        {
            float weight = NumericsMath.Exp(ValueOf(_ranked[rank]) - best);
            if (weight < sum * Negligible)
            {
                Count = rank;
                Sum = sum;
                return false;
            }

            _weights[rank] = weight;
            sum += weight;
        }

        Count = Math.Min(end, limit);
        Sum = sum;
        return Count < limit;
    }

    private int Bucket(float best, float value) => (int)((best - value) * _bucketsPerUnit);

    /// <summary>Unsigned order of keys = descending order of values.</summary>
    private static uint DescendingKey(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (int)bits < 0 ? bits : ~(bits | 0x80000000);
    }

    private static float ValueOf(ulong key)
    {
        uint high = (uint)(key >> 32);
        return BitConverter.UInt32BitsToSingle((int)high < 0 ? high : ~high & 0x7FFFFFFF);
    }
}
