using LlmServe.Compiler.Numerics;

namespace LlmServe.Engine.Sampling;

/// <summary>
/// Tokens by rank with their weights exp(l − l₀) (NUMERICS, sampling, step 4), without sorting the vocabulary.
/// The running sum starts at 1 and only grows, and adding less than half a unit in its last place does not change it; ranks from there on
/// can neither move a sum nor be drawn, so they are left out and every sum keeps its exact bits.
/// </summary>
internal sealed class TokenRanking(int vocabulary)
{
    /// <summary>exp(−17.4) is below 2^-25, a quarter of a unit in the last place of 1.</summary>
    private const float Range = 17.4f;

    private const float BucketsPerUnit = 16f;
    private const int BucketCount = (int)(Range * BucketsPerUnit) + 2;

    /// <summary>Times the running sum: at most a quarter of a unit in its last place. A quarter, not a half, leaves room for exp being one unit off.</summary>
    private const float Negligible = 1f / (1 << 26);

    /// <summary>Up to this many candidates one sort is cheaper than buckets.</summary>
    private const int SortDirectly = 96;

    private readonly int[] _ids = new int[vocabulary]; // [vocabulary]
    private readonly ulong[] _keys = new ulong[vocabulary]; // [vocabulary], unordered
    private readonly ulong[] _ranked = new ulong[vocabulary]; // [vocabulary], by bucket, then sorted
    private readonly float[] _weights = new float[vocabulary]; // [vocabulary]
    private readonly int[] _bucketEnds = new int[BucketCount];

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
    public void Rank(ReadOnlySpan<float> logits, float temperature, int limit)
    {
        float best = LogitScan.Max(logits) / temperature;
        if (!float.IsFinite(best))
        {
            // No finite largest logit: weights would be NaN. Taking the first of the largest keeps the stream alive and the choice defined.
            SetSingle(LogitScan.ArgMax(logits));
            return;
        }

        limit = limit <= 0 ? int.MaxValue : limit;
        int count = CollectKeys(logits, temperature, best);
        if (count <= SortDirectly)
        {
            _keys.AsSpan(0, count).CopyTo(_ranked);
            Begin();
            TakeSorted(0, Math.Min(count, SortRange(0, count)), best, limit);
            return;
        }

        TakeBuckets(count, best, limit);
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

    /// <summary>Keys of all tokens that can matter, in ascending id; counts them per bucket.</summary>
    private int CollectKeys(ReadOnlySpan<float> logits, float temperature, float best)
    {
        // The cut is taken before the division, a little low, so that the exact test below decides.
        double slack = 1e-5 + (Math.Abs((double)best) + Range) * (1.0 / (1 << 22));
        float cut = MathF.BitDecrement((float)((best - Range - slack) * temperature));
        int found = LogitScan.AtLeast(logits, cut, _ids);
        Array.Clear(_bucketEnds);
        int count = 0;
        foreach (int id in _ids.AsSpan(0, found))
        {
            float value = logits[id] / temperature + 0f; // + 0 makes −0 equal to 0 in the key as well
            if (best - value <= Range)
            {
                _keys[count++] = (ulong)DescendingKey(value) << 32 | (uint)id;
                _bucketEnds[Bucket(best, value)]++;
            }
        }

        return count;
    }

    /// <summary>Counting sort by bucket, then each bucket is sorted when its turn comes.</summary>
    private void TakeBuckets(int count, float best, int limit)
    {
        int last = 0;
        int total = 0;
        for (int bucket = 0; bucket < BucketCount; bucket++)
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

        Begin();
        int start = 0;
        for (int bucket = 0; bucket <= last; bucket++)
        {
            int end = _bucketEnds[bucket];
            if (end > start)
            {
                SortRange(start, end);
                if (!TakeSorted(start, end, best, limit))
                {
                    return;
                }
            }

            start = end;
        }
    }

    private void Begin()
    {
        Count = 0;
        Sum = 0;
    }

    private int SortRange(int start, int end)
    {
        _ranked.AsSpan(start, end - start).Sort();
        return end;
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

    private static int Bucket(float best, float value) => (int)((best - value) * BucketsPerUnit);

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
