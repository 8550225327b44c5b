using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Sums of values, each times the weights of a few heads.</summary>
internal static unsafe class WeightedValues<TElement, THeads>
    where TElement : struct, ICacheElement
    where THeads : struct, IHeadCount
{
    private const int Positions = AttentionParts.Positions;

    /// <summary>o = o · c + Σ p_j v_j from a column on, as many columns at a time as registers hold. o: [heads][size]; values: [32][stride]</summary>
    public static void Add(byte* values, float* scales, nint ahead, int count, float* weights, float* corrections, float* o, int size, int stride, int column)
    {
        for (; THeads.Heads < 4 && column <= size - 32; column += 32)
        {
            nint offset = column * TElement.Bytes;
            Columns32(values + offset, CachePanel<TElement>.Scale(scales, column / 16), ahead + (offset * (Positions - 1)), count, weights, corrections, o + column, size, stride);
        }

        for (; column < size; column += 16)
        {
            nint offset = column * TElement.Bytes;
            Columns16(values + offset, CachePanel<TElement>.Scale(scales, column / 16), ahead + (offset * (Positions - 1)), count, weights, corrections, o + column, size, stride);
        }
    }

    private static void Columns32(byte* values, float* scale, nint ahead, int count, float* weights, float* corrections, float* o, int size, int stride)
    {
        Vector256<float> a0 = default, b0 = default, c0 = default, d0 = default;
        Vector256<float> a1 = default, b1 = default, c1 = default, d1 = default;
        Vector256<float> a2 = default, b2 = default, c2 = default, d2 = default;
        Vector256<float> none = default; // four heads have no registers left for this
        int groups = stride / 16;
        byte* fetch = values + ahead;
        for (float* end = weights + count; weights < end; weights++, values += stride * TElement.Bytes, fetch += 32 * TElement.Bytes)
        {
            CachePanel<TElement>.Fetch(fetch);
            var x = TElement.Low(values, scale);
            var y = TElement.High(values, scale);
            AddHeads(weights, x, y, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref none, ref none);
            x = TElement.Low(values + (16 * TElement.Bytes), CachePanel<TElement>.Scale(scale, 1));
            y = TElement.High(values + (16 * TElement.Bytes), CachePanel<TElement>.Scale(scale, 1));
            scale = CachePanel<TElement>.Scale(scale, groups);
            AddHeads(weights, x, y, ref c0, ref d0, ref c1, ref d1, ref c2, ref d2, ref none, ref none);
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

    private static void Columns16(byte* values, float* scale, nint ahead, int count, float* weights, float* corrections, float* o, int size, int stride)
    {
        Vector256<float> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
        int groups = stride / 16;
        byte* fetch = values + ahead;
        for (float* end = weights + count; weights < end; weights++, values += stride * TElement.Bytes, fetch += 16 * TElement.Bytes)
        {
            CachePanel<TElement>.Fetch(fetch);
            var x = TElement.Low(values, scale);
            var y = TElement.High(values, scale);
            AddHeads(weights, x, y, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
            scale = CachePanel<TElement>.Scale(scale, groups);
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

    /// <summary>Sixteen columns of a value, weighted, to the sums of each head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddHeads(
        float* weights, Vector256<float> x, Vector256<float> y,
        ref Vector256<float> a0, ref Vector256<float> b0, ref Vector256<float> a1, ref Vector256<float> b1,
        ref Vector256<float> a2, ref Vector256<float> b2, ref Vector256<float> a3, ref Vector256<float> b3)
    {
        AddHead(weights, x, y, ref a0, ref b0);
        if (THeads.Heads > 1)
        {
            AddHead(weights + Positions, x, y, ref a1, ref b1);
        }

        if (THeads.Heads > 2)
        {
            AddHead(weights + (2 * Positions), x, y, ref a2, ref b2);
        }

        if (THeads.Heads > 3)
        {
            AddHead(weights + (3 * Positions), x, y, ref a3, ref b3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddHead(float* weight, Vector256<float> x, Vector256<float> y, ref Vector256<float> a, ref Vector256<float> b)
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
