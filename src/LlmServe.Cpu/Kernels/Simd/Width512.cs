using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Attention in vectors of sixteen (AVX-512): of scores as of columns of values. The order of every sum is that of <see cref="Width256"/>.
/// </summary>
internal readonly unsafe struct Width512 : IAttentionWidth
{
    private const int Positions = AttentionParts.Positions;

    /// <summary>Columns of values that are handled together.</summary>
    private const int Columns = WideValues<ShiftedHalf, OneHead>.Columns;

    [SkipLocalsInit]
    public static void Weigh<THeads>(float* sums, int count, float scale, float factor, float* stats, float* weights, float* corrections)
        where THeads : struct, IHeadCount
    {
        // Heads go through each stage together, without a branch: none waits for the chain of another.
        for (int head = 0; head < THeads.Heads; head++, sums += Positions * 8)
        {
            var v0 = Scores(sums, 0, count, scale);
            var v1 = Scores(sums, 16, count, scale);
            v0.Store(weights + (head * Positions));
            v1.Store(weights + (head * Positions) + 16);
            var sixteen = Avx512F.Max(v0, v1);
            var eight = VectorMath.Max(sixteen.GetLower(), sixteen.GetUpper());
            var four = VectorMath.Max(eight.GetLower(), eight.GetUpper());
            four = VectorMath.Max(four, VectorMath.UpperTwo(four));
            four = Sse.MaxScalar(Sse.Shuffle(four, four, 1), four);
            var before = Vector128.CreateScalarUnsafe(stats[2 * head]);
            four = Sse.MaxScalar(before, four);
            stats[2 * head] = four.ToScalar();
            corrections[head] = before.ToScalar() - four.ToScalar();
        }

        var f = Vector512.Create(factor);
        for (int i = 0; i < THeads.Heads * Positions; i += 16)
        {
            (NumericsMath.Exp(Vector512.Load(weights + i) - Vector512.Create(stats[i / Positions * 2])) * f).Store(weights + i);
        }

        NumericsMath.Exp(Vector128.Load(corrections).ToVector256Unsafe().ToVector512Unsafe()).GetLower().GetLower().Store(corrections);
    }

    public static void AddValues<TElement, THeads>(
        byte* values, int count, float* scales, in PanelAhead ahead, float* weights, float* corrections, float* o, float* stats, int size, int stride)
        where TElement : struct, ICacheElement
        where THeads : struct, IHeadCount
    {
        if (size < Columns)
        {
            HeadSums<TElement, THeads>.AddBlock(weights, count, corrections, stats);
        }

        int column = 0;
        for (; column <= size - Columns; column += Columns)
        {
            // Each run of columns asks for its share of the panel ahead.
            nint offset = column * TElement.Bytes, share = ahead.Rows * TElement.Bytes;
            WideValues<TElement, THeads>.Add(
                values + offset,
                CachePanel<TElement>.Scale(scales, column / 16),
                values + ahead.Distance + (column * share),
                (int)share * Columns,
                count,
                weights,
                corrections,
                o + column,
                column == 0 ? stats : null,
                size,
                stride);
        }

        WeightedValues<TElement, THeads>.Add(values, scales, ahead.Distance, count, weights, corrections, o, size, stride, column);
    }

    /// <summary>Scaled scores of sixteen positions; −inf from <paramref name="count"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Scores(float* sums, int first, int count, float scale)
    {
        // The tree of AttentionParts.JoinEight, with positions 4i … 4i + 3 in vector i, one to 128 bits: it leaves i of every four beside each other. What
        // stands there for positions that do not count goes no further.
        float* a = sums + (8 * first);
        var (a0, a1, a2, a3) = (AddHalves(a), AddHalves(a + 32), AddHalves(a + 64), AddHalves(a + 96));
        var d0 = Avx512F.Shuffle(a0, a1, 0x44) + Avx512F.Shuffle(a0, a1, 0xee);
        var d1 = Avx512F.Shuffle(a2, a3, 0x44) + Avx512F.Shuffle(a2, a3, 0xee);
        var joined = Avx512F.Shuffle(d0, d1, 0x88) + Avx512F.Shuffle(d0, d1, 0xdd);
        var scores = Avx512F.PermuteVar16x32(joined, Vector512.Create(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)) * Vector512.Create(scale);
        var outside = Vector512.GreaterThanOrEqual(Vector512.Create(first) + Vector512<int>.Indices, Vector512.Create(count)).AsSingle();
        return Vector512.ConditionalSelect(outside, Vector512.Create(float.NegativeInfinity), scores);
    }

    /// <summary>The lower and the upper four accumulators of four positions, added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> AddHalves(float* sums)
    {
        Vector512<float> two = Vector512.Load(sums), others = Vector512.Load(sums + 16);
        return Avx512F.Shuffle4x128(two, others, 0x88) + Avx512F.Shuffle4x128(two, others, 0xdd);
    }
}
