using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Sums of values, each times the weights of a few heads, sixteen columns a vector.</summary>
internal static unsafe class WideValues<TElement, THeads>
    where TElement : struct, ICacheElement
    where THeads : struct, IHeadCount
{
    /// <summary>Columns that are handled together.</summary>
    public const int Columns = 64;

    private const int Positions = AttentionParts.Positions;

    /// <summary>o = o · c + Σ p_j v_j over 64 columns, and l = l · c + Σ p_j, beside whose work the chains of additions cost nothing.</summary>
    /// <param name="values">The first column of the first position.</param>
    /// <param name="scale">Its scale, where there are any.</param>
    /// <param name="fetch">Prefetched, some at every position.</param>
    /// <param name="fetchBytes">How much of it.</param>
    /// <param name="count">Positions.</param>
    /// <param name="weights">[heads][32]</param>
    /// <param name="corrections">What o and l are multiplied by. [heads]</param>
    /// <param name="o">The first column. [heads][size]</param>
    /// <param name="stats">Largest score and sum, or null where the sum has been taken. [heads][2]</param>
    /// <param name="size">Columns of a value.</param>
    /// <param name="stride">Columns from one value to the next.</param>
    public static void Add(
        byte* values, float* scale, byte* fetch, int fetchBytes, int count, float* weights, float* corrections, float* o, float* stats, int size, int stride)
    {
        Vector512<float> a0 = default, b0 = default, c0 = default, d0 = default, a1 = default, b1 = default, c1 = default, d1 = default;
        Vector512<float> a2 = default, b2 = default, c2 = default, d2 = default, a3 = default, b3 = default, c3 = default, d3 = default;
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        int groups = stride / 16;
        byte* fetchEnd = fetch + fetchBytes - (Columns * TElement.Bytes);
        for (float* end = weights + count; weights < end; weights++, values += stride * TElement.Bytes)
        {
            CachePanel<TElement>.FetchTwice(fetch);
            fetch = fetch < fetchEnd ? fetch + (Columns * TElement.Bytes) : fetch;
            var (x, y) = TElement.Row(values, scale);
            var (z, w) = TElement.Row(values + (32 * TElement.Bytes), CachePanel<TElement>.Scale(scale, 2));
            scale = CachePanel<TElement>.Scale(scale, groups);
            AddHead(weights, x, y, z, w, ref a0, ref b0, ref c0, ref d0, ref s0);
            if (THeads.Heads > 1)
            {
                AddHead(weights + Positions, x, y, z, w, ref a1, ref b1, ref c1, ref d1, ref s1);
            }

            if (THeads.Heads > 2)
            {
                AddHead(weights + (2 * Positions), x, y, z, w, ref a2, ref b2, ref c2, ref d2, ref s2);
            }

            if (THeads.Heads > 3)
            {
                AddHead(weights + (3 * Positions), x, y, z, w, ref a3, ref b3, ref c3, ref d3, ref s3);
            }
        }

        Store(o, corrections[0], a0, b0, c0, d0);
        if (THeads.Heads > 1)
        {
            Store(o + size, corrections[1], a1, b1, c1, d1);
        }

        if (THeads.Heads > 2)
        {
            Store(o + (2 * size), corrections[2], a2, b2, c2, d2);
        }

        if (THeads.Heads > 3)
        {
            Store(o + (3 * size), corrections[3], a3, b3, c3, d3);
        }

        if (stats != null)
        {
            HeadSums<TElement, THeads>.Add(corrections, s0, s1, s2, s3, stats);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddHead(
        float* weight, Vector512<float> x, Vector512<float> y, Vector512<float> z, Vector512<float> w,
        ref Vector512<float> a, ref Vector512<float> b, ref Vector512<float> c, ref Vector512<float> d, ref float sum)
    {
        var p = Vector512.Create(*weight);
        sum += p.ToScalar();
        a = Avx512F.FusedMultiplyAdd(p, x, a);
        b = Avx512F.FusedMultiplyAdd(p, y, b);
        c = Avx512F.FusedMultiplyAdd(p, z, c);
        d = Avx512F.FusedMultiplyAdd(p, w, d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* o, float correction, Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        var factor = Vector512.Create(correction);
        (a, b) = TElement.InOrder(a, b);
        (c, d) = TElement.InOrder(c, d);
        Avx512F.FusedMultiplyAdd(Vector512.Load(o), factor, a).Store(o);
        Avx512F.FusedMultiplyAdd(Vector512.Load(o + 16), factor, b).Store(o + 16);
        Avx512F.FusedMultiplyAdd(Vector512.Load(o + 32), factor, c).Store(o + 32);
        Avx512F.FusedMultiplyAdd(Vector512.Load(o + 48), factor, d).Store(o + 48);
    }
}
