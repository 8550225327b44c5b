using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LlmServe.Compiler;
using LlmServe.Compiler.Numerics;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Attention of one row for heads that share a key head, block of 32 positions by block. Keys and values of a block are widened to f32 once, in
/// memory of the first cache, for all heads.
/// </summary>
internal static unsafe class SimdAttention
{
    private const int Segment = 256;
    private const int Positions = KvBlock.Positions;
    private const int LargestHead = 512;

    /// <summary>Whether head size and cache layout are among those handled; the scalar kernel takes the rest.</summary>
    public static bool CanHandle(in KvLayout kv, int headSize) =>
        headSize % 16 == 0 && headSize <= LargestHead && (kv.ElementBytes == 4 || kv.Interleaved);

    /// <summary>query, output: [heads, head size]</summary>
    [SkipLocalsInit]
    public static void Heads(TickState* tick, float* query, float* output, int row, int layer, int keyHead, int heads)
    {
        int size = tick->Shape.HeadSize, position = tick->Positions[row];
        float* widened = stackalloc float[Positions * LargestHead];
        float* segment = stackalloc float[heads * size];
        float* stats = stackalloc float[heads * 4];
        int* table = tick->BlockTables + ((nint)tick->Slots[row] * tick->BlocksPerSlot);
        for (int start = 0; start <= position; start += Segment)
        {
            float* o = start == 0 ? output : segment;
            float* ml = start == 0 ? stats : stats + (2 * heads);
            new Span<float>(o, heads * size).Clear();
            for (int head = 0; head < heads; head++)
            {
                ml[2 * head] = float.NegativeInfinity;
                ml[(2 * head) + 1] = 0;
            }

            for (int block = start; block <= position && block < start + Segment; block += Positions)
            {
                byte* keys = tick->Kv.Keys(table[block / Positions], layer, keyHead);
                int count = Math.Min(position + 1 - block, Positions);
                Block(tick, keys, count, query, o, ml, heads, widened);
            }

            if (start > 0)
            {
                Join(output, stats, segment, stats + (2 * heads), heads, size);
            }
        }

        for (int head = 0; head < heads; head++)
        {
            var l = Vector256.Create(stats[(2 * head) + 1]);
            for (int i = 0; i < size; i += 8)
            {
                float* at = output + (head * size) + i;
                (Vector256.Load(at) / l).Store(at);
            }
        }
    }

    private static void Block(TickState* tick, byte* keys, int count, float* query, float* o, float* stats, int heads, float* widened)
    {
        int size = tick->Shape.HeadSize;
        float* scores = stackalloc float[heads * Positions];
        float* corrections = stackalloc float[heads];
        float* rows = Widen(tick->Kv, keys, count, size, widened);
        for (int head = 0; head < heads; head++)
        {
            float* s = scores + (head * Positions);
            Scores(query + (head * size), rows, count, size, tick->Shape.AttentionScale, s);
            corrections[head] = Softmax(s, count, stats + (2 * head));
        }

        rows = Widen(tick->Kv, keys + tick->Kv.PanelBytes, count, size, widened);
        for (int head = 0; head < heads; head++)
        {
            WeightedValues(scores + (head * Positions), rows, count, size, corrections[head], o + (head * size));
        }
    }

    /// <summary>The block's rows as f32: widened, or where they are. [count, size]</summary>
    private static float* Widen(in KvLayout kv, byte* panel, int count, int size, float* widened)
    {
        if (kv.ElementBytes == 4)
        {
            return (float*)panel;
        }

        var mask = Vector256.Create(unchecked((int)0x8fffe000));
        var scale = Vector256.Create(VectorMath.HalfScale);
        for (int i = 0; i < count * size; i += 16)
        {
            var words = Vector256.Load((int*)(panel + (2 * i)));
            var low = ((words << 16) >> 3) & mask;
            var high = (words >> 3) & mask;
            Fma.MultiplyAdd(low.AsSingle(), scale, Vector256<float>.Zero).Store(widened + i);
            Fma.MultiplyAdd(high.AsSingle(), scale, Vector256<float>.Zero).Store(widened + i + 8);
        }

        return widened;
    }

    /// <summary>Scaled scores; the places after <paramref name="count"/> become −inf.</summary>
    private static void Scores(float* query, float* keys, int count, int size, float scale, float* scores)
    {
        float* group = stackalloc float[4];
        int j = 0;
        for (; j <= count - 4; j += 4)
        {
            VectorMath.Dot4(query, keys + (j * size), size, size, group);
            (Vector128.Load(group) * Vector128.Create(scale)).Store(scores + j);
        }

        for (; j < count; j++)
        {
            scores[j] = VectorMath.Dot(query, keys + (j * size), size) * scale;
        }

        for (; j < Positions; j++)
        {
            scores[j] = float.NegativeInfinity;
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

    /// <summary>o = o · c + Σ p_j v_j, four vectors of elements at a time.</summary>
    private static void WeightedValues(float* weights, float* values, int count, int size, float correction, float* o)
    {
        var c = Vector256.Create(correction);
        int i = 0;
        for (; i <= size - 32; i += 32)
        {
            Vector256<float> t0 = default, t1 = default, t2 = default, t3 = default;
            float* v = values + i;
            for (int j = 0; j < count; j++)
            {
                var p = Vector256.Create(weights[j]);
                t0 = Fma.MultiplyAdd(p, Vector256.Load(v), t0);
                t1 = Fma.MultiplyAdd(p, Vector256.Load(v + 8), t1);
                t2 = Fma.MultiplyAdd(p, Vector256.Load(v + 16), t2);
                t3 = Fma.MultiplyAdd(p, Vector256.Load(v + 24), t3);
                v += size;
            }

            Fma.MultiplyAdd(Vector256.Load(o + i), c, t0).Store(o + i);
            Fma.MultiplyAdd(Vector256.Load(o + i + 8), c, t1).Store(o + i + 8);
            Fma.MultiplyAdd(Vector256.Load(o + i + 16), c, t2).Store(o + i + 16);
            Fma.MultiplyAdd(Vector256.Load(o + i + 24), c, t3).Store(o + i + 24);
        }

        for (; i < size; i += 8)
        {
            Vector256<float> t = default;
            for (int j = 0; j < count; j++)
            {
                t = Fma.MultiplyAdd(Vector256.Create(weights[j]), Vector256.Load(values + (j * size) + i), t);
            }

            Fma.MultiplyAdd(Vector256.Load(o + i), c, t).Store(o + i);
        }
    }

    /// <summary>Joins a finished segment to those before it.</summary>
    private static void Join(float* whole, float* wholeStats, float* segment, float* segmentStats, int heads, int size)
    {
        for (int head = 0; head < heads; head++)
        {
            float* w = wholeStats + (2 * head), s = segmentStats + (2 * head);
            float m = w[0] > s[0] ? w[0] : s[0];
            float left = NumericsMath.Exp(w[0] - m), right = NumericsMath.Exp(s[0] - m);
            w[1] = MathF.FusedMultiplyAdd(w[1], left, s[1] * right);
            w[0] = m;
            var l = Vector256.Create(left);
            var r = Vector256.Create(right);
            for (int i = 0; i < size; i += 8)
            {
                float* at = whole + (head * size) + i;
                Fma.MultiplyAdd(Vector256.Load(at), l, Vector256.Load(segment + (head * size) + i) * r).Store(at);
            }
        }
    }
}
