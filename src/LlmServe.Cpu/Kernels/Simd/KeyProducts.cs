using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Products of keys with the queries of a few heads.</summary>
internal static unsafe class KeyProducts<TElement, THeads>
    where TElement : struct, ICacheElement
    where THeads : struct, IHeadCount
{
    /// <summary>Floats of the products of a head: eight accumulators for each position of a block.</summary>
    public const int HeadSums = AttentionParts.Positions * 8;

    /// <summary>
    /// Eight accumulators of each head with two keys, to sums[head][position]; where keys have more than a segment of a dot product, one after the other.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TwoKeys(byte* first, int apart, float* scale, int scalesApart, nint ahead, float* query, float* sums, int size)
    {
        const int Segment = AttentionParts.DotSegment;
        TwoSegments(first, apart, scale, scalesApart, ahead, query, sums, Math.Min(size, Segment));
        if (size > Segment)
        {
            FurtherSegments(first, apart, scale, scalesApart, ahead, query, sums, size);
        }
    }

    /// <summary>Adds the segments behind the first.</summary>
    [SkipLocalsInit]
    private static void FurtherSegments(byte* first, int apart, float* scale, int scalesApart, nint ahead, float* query, float* sums, int size)
    {
        const int Segment = AttentionParts.DotSegment;
        float* next = stackalloc float[((THeads.Heads - 1) * HeadSums) + 16];
        for (int at = Segment; at < size; at += Segment)
        {
            float* segmentScale = CachePanel<TElement>.Scale(scale, at / 16);
            TwoSegments(first + (at * TElement.Bytes), apart, segmentScale, scalesApart, ahead, query + (at * THeads.Heads), next, Math.Min(size - at, Segment));
            for (int head = 0; head < THeads.Heads; head++)
            {
                float* total = sums + (head * HeadSums), more = next + (head * HeadSums);
                (Vector256.Load(total) + Vector256.Load(more)).Store(total);
                (Vector256.Load(total + 8) + Vector256.Load(more + 8)).Store(total + 8);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TwoSegments(byte* first, int apart, float* scale, int scalesApart, nint ahead, float* query, float* sums, int size)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        byte* fetch = first + ahead;
        byte* second = first + apart, end = first + (size * TElement.Bytes);
        float* secondScale = CachePanel<TElement>.Scale(scale, scalesApart);
        for (; first < end; first += 16 * TElement.Bytes, second += 16 * TElement.Bytes, fetch += 32 * TElement.Bytes, query += 16 * THeads.Heads)
        {
            CachePanel<TElement>.Fetch(fetch);
            var x = TElement.Low(first, scale);
            var y = TElement.Low(second, secondScale);
            Steps(x, y, query, ref a0, ref a1, ref a2, ref a3, ref b0, ref b1, ref b2, ref b3);
            x = TElement.High(first, scale);
            y = TElement.High(second, secondScale);
            scale = CachePanel<TElement>.Scale(scale, 1);
            secondScale = CachePanel<TElement>.Scale(secondScale, 1);
            Steps(x, y, query + (8 * THeads.Heads), ref a0, ref a1, ref a2, ref a3, ref b0, ref b1, ref b2, ref b3);
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

    /// <summary>Eight elements of two keys times those of each head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Steps(
        Vector256<float> x, Vector256<float> y, float* query,
        ref Vector256<float> a0, ref Vector256<float> a1, ref Vector256<float> a2, ref Vector256<float> a3,
        ref Vector256<float> b0, ref Vector256<float> b1, ref Vector256<float> b2, ref Vector256<float> b3)
    {
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
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(Vector256<float> x, Vector256<float> y, float* query, ref Vector256<float> a, ref Vector256<float> b)
    {
        var q = Vector256.Load(query);
        a = Vector256.FusedMultiplyAdd(x, q, a);
        b = Vector256.FusedMultiplyAdd(y, q, b);
    }
}
