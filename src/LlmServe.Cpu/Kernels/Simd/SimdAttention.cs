using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LlmServe.Compiler.Numerics;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Attention of one row for heads that share a key head, block of 32 positions by block. A key or value is widened in registers once for all heads:
/// the cache holds binary16 bits that a shift turns into the value times 2^−112, and queries and weights carry the factor 2^112.
/// </summary>
internal static unsafe class SimdAttention
{
    private const int Positions = AttentionParts.Positions;

    /// <summary>Below this, a query times 2^112 is finite and the product with a shifted key exact.</summary>
    private const float LargestQuery = 32768;

    /// <summary>Most heads handled at once.</summary>
    private const int MostHeads = 8;

    /// <summary>query, output: [heads, head size]; heads at most 8</summary>
    public static void Heads(TickState* tick, float* query, float* output, int row, int layer, int keyHead, int heads)
    {
        for (int done = 0; done < heads; done += MostHeads)
        {
            int size = tick->Shape.HeadSize;
            Group(tick, query + (done * size), output + (done * size), row, layer, keyHead, Math.Min(MostHeads, heads - done));
        }
    }

    [SkipLocalsInit]
    private static void Group(TickState* tick, float* query, float* output, int row, int layer, int keyHead, int heads)
    {
        int size = tick->Shape.HeadSize, position = tick->Positions[row];
        float* segment = stackalloc float[heads * size];
        float* scaled = stackalloc float[heads * size];
        float* stats = stackalloc float[heads * 4];
        bool shifted = Prepare(tick->Kv, query, scaled, heads * size);
        int* table = tick->BlockTables + ((nint)tick->Slots[row] * tick->BlocksPerSlot);
        for (int start = 0; start <= position; start += AttentionParts.Segment)
        {
            float* o = start == 0 ? output : segment;
            float* ml = start == 0 ? stats : stats + (2 * heads);
            new Span<float>(o, heads * size).Clear();
            for (int head = 0; head < heads; head++)
            {
                ml[2 * head] = float.NegativeInfinity;
                ml[(2 * head) + 1] = 0;
            }

            for (int block = start; block <= position && block < start + AttentionParts.Segment; block += Positions)
            {
                byte* keys = tick->Kv.Keys(table[block / Positions], layer, keyHead);
                int count = Math.Min(position + 1 - block, Positions);
                if (shifted)
                {
                    ShiftedBlock(tick, keys, count, scaled, o, ml, heads);
                }
                else
                {
                    Block(tick, keys, count, query, o, ml, heads);
                }
            }

            for (int head = 0; start > 0 && head < heads; head++)
            {
                JoinSegment(stats + (2 * head), ml + (2 * head), output + (head * size), segment + (head * size), size);
            }
        }

        for (int head = 0; head < heads; head++)
        {
            AttentionParts.Divide(output + (head * size), stats[(2 * head) + 1], size);
        }
    }

    /// <summary>Queries times 2^112; false where the cache is not binary16 or a query is too large for that.</summary>
    private static bool Prepare(in KvLayout kv, float* query, float* scaled, int count)
    {
        if (kv.ElementBytes != 2)
        {
            return false;
        }

        var factor = Vector256.Create(VectorMath.HalfScale);
        var most = Vector256.Create(LargestQuery);
        bool fits = true;
        for (int i = 0; i < count; i += 8)
        {
            var q = Vector256.Load(query + i);
            fits &= Vector256.LessThanAll(Vector256.Abs(q), most);
            (q * factor).Store(scaled + i);
        }

        return fits;
    }

    [SkipLocalsInit]
    private static void ShiftedBlock(TickState* tick, byte* keys, int count, float* scaled, float* o, float* stats, int heads)
    {
        int size = tick->Shape.HeadSize;
        float* sums = stackalloc float[heads * Positions * 8];
        float* scores = stackalloc float[heads * Positions];
        float* corrections = stackalloc float[heads];
        for (int j = 0; j < count; j++)
        {
            KeyProducts(keys + (2 * j * size), scaled, sums + (8 * j), heads, size);
        }

        for (int head = 0; head < heads; head++)
        {
            float* s = scores + (head * Positions);
            JoinScores(sums + (head * Positions * 8), count, tick->Shape.AttentionScale, s);
            corrections[head] = Softmax(s, count, stats + (2 * head));
            for (int j = 0; j < Positions; j += 8)
            {
                (Vector256.Load(s + j) * Vector256.Create(VectorMath.HalfScale)).Store(s + j);
            }
        }

        for (int head = 0; head < heads; head += 3)
        {
            WeighShifted(keys + tick->Kv.PanelBytes, count, scores + (head * Positions), corrections + head, o + (head * size), Math.Min(3, heads - head), size);
        }
    }

    /// <summary>Eight accumulators of one key with each head, to sums[head][position].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void KeyProducts(byte* key, float* scaled, float* sums, int heads, int size)
    {
        int head = 0;
        for (; head <= heads - 3; head += 3)
        {
            Vector256<float> a0 = default, a1 = default, a2 = default;
            float* q0 = scaled + (head * size), q1 = q0 + size, q2 = q1 + size;
            for (int i = 0; i < size; i += 16)
            {
                var words = Vector256.Load((int*)(key + (2 * i)));
                var low = AttentionParts.LowHalves(words);
                var high = AttentionParts.HighHalves(words);
                a0 = Fma.MultiplyAdd(low, Vector256.Load(q0 + i), a0);
                a1 = Fma.MultiplyAdd(low, Vector256.Load(q1 + i), a1);
                a2 = Fma.MultiplyAdd(low, Vector256.Load(q2 + i), a2);
                a0 = Fma.MultiplyAdd(high, Vector256.Load(q0 + i + 8), a0);
                a1 = Fma.MultiplyAdd(high, Vector256.Load(q1 + i + 8), a1);
                a2 = Fma.MultiplyAdd(high, Vector256.Load(q2 + i + 8), a2);
            }

            a0.Store(sums + (head * Positions * 8));
            a1.Store(sums + ((head + 1) * Positions * 8));
            a2.Store(sums + ((head + 2) * Positions * 8));
        }

        for (; head < heads; head++)
        {
            Vector256<float> a = default;
            float* q = scaled + (head * size);
            for (int i = 0; i < size; i += 16)
            {
                var words = Vector256.Load((int*)(key + (2 * i)));
                a = Fma.MultiplyAdd(AttentionParts.LowHalves(words), Vector256.Load(q + i), a);
                a = Fma.MultiplyAdd(AttentionParts.HighHalves(words), Vector256.Load(q + i + 8), a);
            }

            a.Store(sums + (head * Positions * 8));
        }
    }

    /// <summary>Scaled scores out of accumulators; the places after <paramref name="count"/> become −inf.</summary>
    private static void JoinScores(float* sums, int count, float scale, float* scores)
    {
        for (int j = 0; j < Positions; j += 8)
        {
            if (j >= count)
            {
                Vector256.Create(float.NegativeInfinity).Store(scores + j);
                continue;
            }

            float* a = sums + (8 * j);
            var joined = AttentionParts.JoinEight(
                Vector256.Load(a), Vector256.Load(a + 8), Vector256.Load(a + 16), Vector256.Load(a + 24),
                Vector256.Load(a + 32), Vector256.Load(a + 40), Vector256.Load(a + 48), Vector256.Load(a + 56)) * Vector256.Create(scale);
            var outside = Vector256.GreaterThanOrEqual(Vector256.Create(j) + Vector256<int>.Indices, Vector256.Create(count)).AsSingle();
            Vector256.ConditionalSelect(outside, Vector256.Create(float.NegativeInfinity), joined).Store(scores + j);
        }
    }

    /// <summary>o = o · c + Σ p_j v_j for up to three heads, sixteen elements at a time. scores: [heads][32], times 2^112</summary>
    private static void WeighShifted(byte* values, int count, float* scores, float* corrections, float* o, int heads, int size)
    {
        for (int i = 0; i < size; i += 16)
        {
            Vector256<float> l0 = default, l1 = default, l2 = default, h0 = default, h1 = default, h2 = default;
            byte* v = values + (2 * i);
            for (int j = 0; j < count; j++)
            {
                var words = Vector256.Load((int*)v);
                var low = AttentionParts.LowHalves(words);
                var high = AttentionParts.HighHalves(words);
                var p = Vector256.Create(scores[j]);
                l0 = Fma.MultiplyAdd(p, low, l0);
                h0 = Fma.MultiplyAdd(p, high, h0);
                if (heads > 1)
                {
                    p = Vector256.Create(scores[Positions + j]);
                    l1 = Fma.MultiplyAdd(p, low, l1);
                    h1 = Fma.MultiplyAdd(p, high, h1);
                }

                if (heads > 2)
                {
                    p = Vector256.Create(scores[(2 * Positions) + j]);
                    l2 = Fma.MultiplyAdd(p, low, l2);
                    h2 = Fma.MultiplyAdd(p, high, h2);
                }

                v += 2 * size;
            }

            Store(o + i, corrections[0], l0, h0);
            if (heads > 1)
            {
                Store(o + size + i, corrections[1], l1, h1);
            }

            if (heads > 2)
            {
                Store(o + (2 * size) + i, corrections[2], l2, h2);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* o, float correction, Vector256<float> low, Vector256<float> high)
    {
        var c = Vector256.Create(correction);
        AttentionParts.Accumulate(o, c, low);
        AttentionParts.Accumulate(o + 8, c, high);
    }

    /// <summary>The same for caches in f32, and for queries beyond the range of the shifted form.</summary>
    [SkipLocalsInit]
    private static void Block(TickState* tick, byte* keys, int count, float* query, float* o, float* stats, int heads)
    {
        int size = tick->Shape.HeadSize;
        float* widened = stackalloc float[Positions * size];
        float* scores = stackalloc float[heads * Positions];
        float* corrections = stackalloc float[heads];
        float* rows = AttentionParts.Widen(tick->Kv, keys, count, size, widened);
        for (int head = 0; head < heads; head++)
        {
            float* s = scores + (head * Positions);
            for (int j = 0; j < Positions; j++)
            {
                s[j] = j < count ? VectorMath.Dot(query + (head * size), rows + (j * size), size) * tick->Shape.AttentionScale : float.NegativeInfinity;
            }

            corrections[head] = Softmax(s, count, stats + (2 * head));
        }

        rows = AttentionParts.Widen(tick->Kv, keys + tick->Kv.PanelBytes, count, size, widened);
        for (int head = 0; head < heads; head++)
        {
            var c = Vector256.Create(corrections[head]);
            for (int i = 0; i < size; i += 8)
            {
                Vector256<float> t = default;
                for (int j = 0; j < count; j++)
                {
                    t = Fma.MultiplyAdd(Vector256.Create(scores[(head * Positions) + j]), Vector256.Load(rows + (j * size) + i), t);
                }

                AttentionParts.Accumulate(o + (head * size) + i, c, t);
            }
        }
    }

    /// <summary>Scores become weights; the running maximum and sum take them in. Returns the factor for what was there before.</summary>
    private static float Softmax(float* scores, int count, float* stats)
    {
        var v0 = Vector256.Load(scores);
        var v1 = Vector256.Load(scores + 8);
        var v2 = Vector256.Load(scores + 16);
        var v3 = Vector256.Load(scores + 24);
        var largest = Avx.Max(Avx.Max(v0, v1), Avx.Max(v2, v3));
        var four = Sse.Max(largest.GetLower(), largest.GetUpper());
        four = Sse.Max(four, Sse.MoveHighToLow(four, four));
        float blockMax = four.GetElement(1) > four.ToScalar() ? four.GetElement(1) : four.ToScalar();
        float m = stats[0] > blockMax ? stats[0] : blockMax;
        var mm = Vector256.Create(m);
        NumericsMath.Exp(v0 - mm).Store(scores);
        NumericsMath.Exp(v1 - mm).Store(scores + 8);
        NumericsMath.Exp(v2 - mm).Store(scores + 16);
        NumericsMath.Exp(v3 - mm).Store(scores + 24);
        float c = NumericsMath.Exp(stats[0] - m);
        float sum = 0;
        for (int j = 0; j < count; j++)
        {
            sum += scores[j];
        }

        stats[0] = m;
        stats[1] = MathF.FusedMultiplyAdd(stats[1], c, sum);
        return c;
    }

    /// <summary>Joins a finished segment to those before it.</summary>
    private static void JoinSegment(float* wholeStats, float* segmentStats, float* whole, float* segment, int size)
    {
        float m = wholeStats[0] > segmentStats[0] ? wholeStats[0] : segmentStats[0];
        float left = NumericsMath.Exp(wholeStats[0] - m), right = NumericsMath.Exp(segmentStats[0] - m);
        wholeStats[1] = MathF.FusedMultiplyAdd(wholeStats[1], left, segmentStats[1] * right);
        wholeStats[0] = m;
        AttentionParts.JoinSegment(whole, left, segment, right, size);
    }
}
