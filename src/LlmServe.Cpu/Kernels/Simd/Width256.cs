namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Attention in vectors of eight (AVX2, or NEON by twos).</summary>
internal readonly unsafe struct Width256 : IAttentionWidth
{
    private const int Positions = AttentionParts.Positions;

    public static void Weigh<THeads>(float* sums, int count, float scale, float factor, float* stats, float* weights, float* corrections)
        where THeads : struct, IHeadCount
    {
        for (int head = 0; head < THeads.Heads; head++)
        {
            corrections[head] = BlockSoftmax.Weigh(sums + (head * Positions * 8), count, scale, factor, stats + (2 * head), weights + (head * Positions));
        }
    }

    public static void AddValues<TElement, THeads>(
        byte* values, int count, float* scales, in PanelAhead ahead, float* weights, float* corrections, float* o, float* stats, int size, int stride)
        where TElement : struct, ICacheElement
        where THeads : struct, IHeadCount
    {
        HeadSums<TElement, THeads>.AddBlock(weights, count, corrections, stats);
        WeightedValues<TElement, THeads>.Add(values, scales, ahead.Distance, count, weights, corrections, o, size, stride, 0);
    }
}
