using System.Runtime.CompilerServices;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Running sums of weights, l = l · c + Σ p, of a few heads.</summary>
internal static unsafe class HeadSums<TElement, THeads>
    where TElement : struct, ICacheElement
    where THeads : struct, IHeadCount
{
    private const int Positions = AttentionParts.Positions;

    /// <summary>Adds a block's weights: one chain of additions per head, in step, because each waits for itself. weights: [heads][32]; stats: [heads][2]</summary>
    public static void AddBlock(float* weights, int count, float* corrections, float* stats)
    {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (int j = 0; j < count; j++)
        {
            s0 += weights[j];
            s1 += THeads.Heads > 1 ? weights[Positions + j] : 0;
            s2 += THeads.Heads > 2 ? weights[(2 * Positions) + j] : 0;
            s3 += THeads.Heads > 3 ? weights[(3 * Positions) + j] : 0;
        }

        Add(corrections, s0, s1, s2, s3, stats);
    }

    /// <summary>Adds the sums of a block's weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(float* corrections, float s0, float s1, float s2, float s3, float* stats)
    {
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
}
