using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LlmServe.Compiler.Numerics;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>How many heads a kernel handles together, as a constant for the JIT.</summary>
internal interface IHeadCount
{
    static abstract int Heads { get; }
}

internal readonly struct OneHead : IHeadCount
{
    public static int Heads => 1;
}

internal readonly struct TwoHeads : IHeadCount
{
    public static int Heads => 2;
}

internal readonly struct ThreeHeads : IHeadCount
{
    public static int Heads => 3;
}

internal readonly struct FourHeads : IHeadCount
{
    public static int Heads => 4;
}

/// <summary>An attention segment of one row, for a few heads that share a key head.</summary>
internal unsafe struct SegmentJob
{
    public TickState* Tick;

    /// <summary>Queries times the cache's factor, eight elements of every head after each other. [size / 8][heads][8]</summary>
    public float* Query;

    /// <summary>Weighted values. [heads][size]</summary>
    public float* O;

    /// <summary>Largest score and sum. [heads][2]</summary>
    public float* Stats;

    /// <summary>Blocks of the row's sequence.</summary>
    public int* Table;

    public int Layer;
    public int KeyHead;

    /// <summary>First position of the segment, and the end of what the row sees of it.</summary>
    public int Start;
    public int End;
}

/// <summary>
/// The kernel of <see cref="SegmentJob"/>. A key or value is widened in registers once for all heads. Blocks lie far apart in memory, so the next one is
/// prefetched line by line while one is worked on.
/// </summary>
internal static unsafe class SegmentKernel<TElement, THeads>
    where TElement : struct, ICacheElement
    where THeads : struct, IHeadCount
{
    private const int Positions = AttentionParts.Positions;

    /// <summary>Floats of the products of a head: eight accumulators for each position of a block.</summary>
    private const int HeadSums = Positions * 8;

    [SkipLocalsInit]
    public static void Run(in SegmentJob job)
    {
        int size = job.Tick->Shape.HeadSize, rowBytes = size * TElement.Bytes;
        float* sums = stackalloc float[THeads.Heads * HeadSums];
        float* weights = stackalloc float[THeads.Heads * Positions];
        float* corrections = stackalloc float[THeads.Heads];
        int groups = size / 16;
        float* scales = stackalloc float[TElement.HasScales ? Positions * groups : 1];
        new Span<float>(job.O, THeads.Heads * size).Clear();
        for (int head = 0; head < THeads.Heads; head++)
        {
            job.Stats[2 * head] = float.NegativeInfinity;
            job.Stats[(2 * head) + 1] = 0;
        }

        for (int block = job.Start; block < job.End; block += Positions)
        {
            int count = Math.Min(job.End - block, Positions);
            byte* keys = job.Tick->Kv.Keys(job.Table[block / Positions], job.Layer, job.KeyHead);
            byte* values = keys + job.Tick->Kv.PanelBytes;
            nint ahead = (nint)(Next(job, block) - keys);
            FindScales(job.Tick->Kv, keys, ahead, scales);
            for (int j = 0; j < count; j += 2)
            {
                byte* key = keys + (j * rowBytes);
                int apart = j + 1 < count ? 1 : 0;
                TwoKeys(key, apart * rowBytes, Scale(scales, j * groups), apart * groups, ahead, job.Query, sums + (8 * j), size);
            }

            for (int head = 0; head < THeads.Heads; head++)
            {
                corrections[head] = BlockSoftmax.Weigh(
                    sums + (head * HeadSums), count, job.Tick->Shape.AttentionScale, TElement.Factor, job.Stats + (2 * head), weights + (head * Positions));
            }

            AddSums(weights, count, corrections, job.Stats);
            FindScales(job.Tick->Kv, values, ahead, scales);
            Values(values, scales, ahead, count, weights, corrections, job.O, size);
        }
    }

    /// <summary>Scales of a panel in f32, where there are any; those of the next one are prefetched.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FindScales(in KvLayout kv, byte* panel, nint ahead, float* scales)
    {
        if (TElement.HasScales)
        {
            byte* next = (byte*)kv.Scales(panel + ahead, 0);
            for (int i = 0; i < kv.HeadSize * sizeof(ushort); i += 64)
            {
                Prefetch(next + i);
            }

            ScaledByte.WidenScales(kv, panel, scales);
        }
    }

    /// <summary>A scale, or the address of none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Scale(float* scales, int index) => TElement.HasScales ? scales + index : scales;

    /// <summary>Where the lane probably reads next: the block after this one, or the next key head's first.</summary>
    private static byte* Next(in SegmentJob job, int block)
    {
        ref readonly var kv = ref job.Tick->Kv;
        return block + Positions < job.End
            ? kv.Keys(job.Table[(block / Positions) + 1], job.Layer, job.KeyHead)
            : kv.Keys(job.Table[job.Start / Positions], job.Layer, Math.Min(job.KeyHead + 1, kv.KeyHeads - 1));
    }

    /// <summary>Prefetches what a step advances by: 32 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* address)
    {
        Prefetch(address);
        if (TElement.Bytes > 2)
        {
            Prefetch(address + 64);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(address);
        }
    }

    /// <summary>Eight accumulators of each head with two keys, to sums[head][position].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TwoKeys(byte* first, int apart, float* scale, int scalesApart, nint ahead, float* query, float* sums, int size)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        byte* fetch = first + ahead;
        byte* second = first + apart, end = first + (size * TElement.Bytes);
        float* secondScale = Scale(scale, scalesApart);
        for (; first < end; first += 16 * TElement.Bytes, second += 16 * TElement.Bytes, fetch += 32 * TElement.Bytes, query += 16 * THeads.Heads)
        {
            Fetch(fetch);
            var x = TElement.Low(first, scale);
            var y = TElement.Low(second, secondScale);
            Step(x, y, query, ref a0, ref b0);
            if (THeads.Heads > 1)
            {
                Step(x, y, query + 8, ref a1, ref b1);
            }

            if (THeads.Heads > 2)
            {
                Step(x, y, query + 16, ref a2, ref b2);
            }

            if (THeads.Heads > 3)
            {
                Step(x, y, query + 24, ref a3, ref b3);
            }

            x = TElement.High(first, scale);
            y = TElement.High(second, secondScale);
            scale = Scale(scale, 1);
            secondScale = Scale(secondScale, 1);
            float* upper = query + (8 * THeads.Heads);
            Step(x, y, upper, ref a0, ref b0);
            if (THeads.Heads > 1)
            {
                Step(x, y, upper + 8, ref a1, ref b1);
            }

            if (THeads.Heads > 2)
            {
                Step(x, y, upper + 16, ref a2, ref b2);
            }

            if (THeads.Heads > 3)
            {
                Step(x, y, upper + 24, ref a3, ref b3);
            }
        }

        a0.Store(sums);
        b0.Store(sums + 8);
        if (THeads.Heads > 1)
        {
            a1.Store(sums + HeadSums);
            b1.Store(sums + HeadSums + 8);
        }

        if (THeads.Heads > 2)
        {
            a2.Store(sums + (2 * HeadSums));
            b2.Store(sums + (2 * HeadSums) + 8);
        }

        if (THeads.Heads > 3)
        {
            a3.Store(sums + (3 * HeadSums));
            b3.Store(sums + (3 * HeadSums) + 8);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(Vector256<float> x, Vector256<float> y, float* query, ref Vector256<float> a, ref Vector256<float> b)
    {
        var q = Vector256.Load(query);
        a = Vector256.FusedMultiplyAdd(x, q, a);
        b = Vector256.FusedMultiplyAdd(y, q, b);
    }

    /// <summary>l = l · c + Σ p: one chain of additions per head, in step, because each waits for itself.</summary>
    private static void AddSums(float* weights, int count, float* corrections, float* stats)
    {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (int j = 0; j < count; j++)
        {
            s0 += weights[j];
            s1 += THeads.Heads > 1 ? weights[Positions + j] : 0;
            s2 += THeads.Heads > 2 ? weights[(2 * Positions) + j] : 0;
            s3 += THeads.Heads > 3 ? weights[(3 * Positions) + j] : 0;
        }

        AddSum(stats, corrections[0], s0);
        if (THeads.Heads > 1)
        {
            AddSum(stats + 2, corrections[1], s1);
        }

        if (THeads.Heads > 2)
        {
            AddSum(stats + 4, corrections[2], s2);
        }

        if (THeads.Heads > 3)
        {
            AddSum(stats + 6, corrections[3], s3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSum(float* stats, float correction, float sum) =>
        stats[1] = MathF.FusedMultiplyAdd(stats[1], correction, sum * (1 / TElement.Factor));

    /// <summary>o = o · c + Σ p_j v_j, as many columns at a time as registers hold.</summary>
    private static void Values(byte* values, float* scales, nint ahead, int count, float* weights, float* corrections, float* o, int size)
    {
        int column = 0;
        for (; THeads.Heads < 4 && column <= size - 32; column += 32)
        {
            nint offset = column * TElement.Bytes;
            Columns32(values + offset, Scale(scales, column / 16), ahead + (offset * (Positions - 1)), count, weights, corrections, o + column, size);
        }

        for (; column < size; column += 16)
        {
            nint offset = column * TElement.Bytes;
            Columns16(values + offset, Scale(scales, column / 16), ahead + (offset * (Positions - 1)), count, weights, corrections, o + column, size);
        }
    }

    private static void Columns32(byte* values, float* scale, nint ahead, int count, float* weights, float* corrections, float* o, int size)
    {
        Vector256<float> a0 = default, b0 = default, c0 = default, d0 = default;
        Vector256<float> a1 = default, b1 = default, c1 = default, d1 = default;
        Vector256<float> a2 = default, b2 = default, c2 = default, d2 = default;
        int groups = size / 16;
        byte* fetch = values + ahead;
        for (float* end = weights + count; weights < end; weights++, values += size * TElement.Bytes, fetch += 32 * TElement.Bytes)
        {
            Fetch(fetch);
            var x = TElement.Low(values, scale);
            var y = TElement.High(values, scale);
            Add(weights, x, y, ref a0, ref b0);
            if (THeads.Heads > 1)
            {
                Add(weights + Positions, x, y, ref a1, ref b1);
            }

            if (THeads.Heads > 2)
            {
                Add(weights + (2 * Positions), x, y, ref a2, ref b2);
            }

            x = TElement.Low(values + (16 * TElement.Bytes), Scale(scale, 1));
            y = TElement.High(values + (16 * TElement.Bytes), Scale(scale, 1));
            scale = Scale(scale, groups);
            Add(weights, x, y, ref c0, ref d0);
            if (THeads.Heads > 1)
            {
                Add(weights + Positions, x, y, ref c1, ref d1);
            }

            if (THeads.Heads > 2)
            {
                Add(weights + (2 * Positions), x, y, ref c2, ref d2);
            }
        }

        Store(o, corrections[0], a0, b0);
        Store(o + 16, corrections[0], c0, d0);
        if (THeads.Heads > 1)
        {
            Store(o + size, corrections[1], a1, b1);
            Store(o + size + 16, corrections[1], c1, d1);
        }

        if (THeads.Heads > 2)
        {
            Store(o + (2 * size), corrections[2], a2, b2);
            Store(o + (2 * size) + 16, corrections[2], c2, d2);
        }
    }

    private static void Columns16(byte* values, float* scale, nint ahead, int count, float* weights, float* corrections, float* o, int size)
    {
        Vector256<float> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
        int groups = size / 16;
        byte* fetch = values + ahead;
        for (float* end = weights + count; weights < end; weights++, values += size * TElement.Bytes, fetch += 16 * TElement.Bytes)
        {
            Fetch(fetch);
            var x = TElement.Low(values, scale);
            var y = TElement.High(values, scale);
            Add(weights, x, y, ref a0, ref b0);
            if (THeads.Heads > 1)
            {
                Add(weights + Positions, x, y, ref a1, ref b1);
            }

            if (THeads.Heads > 2)
            {
                Add(weights + (2 * Positions), x, y, ref a2, ref b2);
            }

            if (THeads.Heads > 3)
            {
                Add(weights + (3 * Positions), x, y, ref a3, ref b3);
            }

            scale = Scale(scale, groups);
        }

        Store(o, corrections[0], a0, b0);
        if (THeads.Heads > 1)
        {
            Store(o + size, corrections[1], a1, b1);
        }

        if (THeads.Heads > 2)
        {
            Store(o + (2 * size), corrections[2], a2, b2);
        }

        if (THeads.Heads > 3)
        {
            Store(o + (3 * size), corrections[3], a3, b3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* weight, Vector256<float> x, Vector256<float> y, ref Vector256<float> a, ref Vector256<float> b)
    {
        var p = Vector256.Create(*weight);
        a = Vector256.FusedMultiplyAdd(p, x, a);
        b = Vector256.FusedMultiplyAdd(p, y, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* o, float correction, Vector256<float> low, Vector256<float> high)
    {
        var c = Vector256.Create(correction);
        AttentionParts.Accumulate(o, c, low);
        AttentionParts.Accumulate(o + 8, c, high);
    }
}

/// <summary>Scores and weights of one head over a block.</summary>
internal static unsafe class BlockSoftmax
{
    private const int Positions = AttentionParts.Positions;

    /// <summary>
    /// Accumulators of dot products become scores, and those weights, each times <paramref name="factor"/>; the running maximum takes them in. Returns what
    /// everything before is to be multiplied by.
    /// </summary>
    /// <param name="sums">[32][8]</param>
    /// <param name="count">Positions that count; weights of others become 0.</param>
    /// <param name="scale">Of scores.</param>
    /// <param name="factor">Of weights: a power of two.</param>
    /// <param name="largest">The running maximum.</param>
    /// <param name="weights">[32]</param>
    public static float Weigh(float* sums, int count, float scale, float factor, float* largest, float* weights)
    {
        var v0 = Scores(sums, 0, count, scale);
        var v1 = Scores(sums, 8, count, scale);
        var v2 = Scores(sums, 16, count, scale);
        var v3 = Scores(sums, 24, count, scale);
        var eight = VectorMath.Max(VectorMath.Max(v0, v1), VectorMath.Max(v2, v3));
        var four = VectorMath.Max(eight.GetLower(), eight.GetUpper());
        four = VectorMath.Max(four, VectorMath.UpperTwo(four));
        float blockMax = four.GetElement(1) > four.ToScalar() ? four.GetElement(1) : four.ToScalar();
        float before = *largest;
        float m = before > blockMax ? before : blockMax;
        var mm = Vector256.Create(m);
        var f = Vector256.Create(factor);
        (NumericsMath.Exp(v0 - mm) * f).Store(weights);
        (NumericsMath.Exp(v1 - mm) * f).Store(weights + 8);
        (NumericsMath.Exp(v2 - mm) * f).Store(weights + 16);
        (NumericsMath.Exp(v3 - mm) * f).Store(weights + 24);
        *largest = m;
        return NumericsMath.Exp(before - m);
    }

    /// <summary>Scaled scores of eight positions; −inf from <paramref name="count"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scores(float* sums, int first, int count, float scale)
    {
        if (first >= count)
        {
            return Vector256.Create(float.NegativeInfinity);
        }

        float* a = sums + (8 * first);
        var joined = AttentionParts.JoinEight(
            Vector256.Load(a), Vector256.Load(a + 8), Vector256.Load(a + 16), Vector256.Load(a + 24),
            Vector256.Load(a + 32), Vector256.Load(a + 40), Vector256.Load(a + 48), Vector256.Load(a + 56)) * Vector256.Create(scale);
        var outside = Vector256.GreaterThanOrEqual(Vector256.Create(first) + Vector256<int>.Indices, Vector256.Create(count)).AsSingle();
        return Vector256.ConditionalSelect(outside, Vector256.Create(float.NegativeInfinity), joined);
    }
}
