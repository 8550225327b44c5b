namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>What comes after the panel at hand: the panel that the lane probably reads next.</summary>
/// <param name="Distance">Bytes from this panel to that.</param>
/// <param name="Rows">Positions of it that will be read.</param>
internal readonly record struct PanelAhead(nint Distance, int Rows);

/// <summary>The parts of <see cref="SegmentKernel{TWidth, TElement, THeads}"/> that depend on the width of vectors.</summary>
internal unsafe interface IAttentionWidth
{
    /// <summary>
    /// Accumulators of products become scores, and those weights, each times <paramref name="factor"/>; each head's running maximum takes them in, and what
    /// everything before is to be multiplied by becomes its correction.
    /// </summary>
    /// <param name="sums">[heads][32][8]</param>
    /// <param name="count">Positions that count; weights of others become 0.</param>
    /// <param name="scale">Of scores.</param>
    /// <param name="factor">Of weights: a power of two.</param>
    /// <param name="stats">Largest score and sum. [heads][2]</param>
    /// <param name="weights">[heads][32]</param>
    /// <param name="corrections">[heads]</param>
    static abstract void Weigh<THeads>(float* sums, int count, float scale, float factor, float* stats, float* weights, float* corrections)
        where THeads : struct, IHeadCount;

    /// <summary>o = o · c + Σ p_j v_j and l = l · c + Σ p_j of each head. weights: [heads][32]; values: [32][stride]; o: [heads][size]; stats: [heads][2]</summary>
    static abstract void AddValues<TElement, THeads>(
        byte* values, int count, float* scales, in PanelAhead ahead, float* weights, float* corrections, float* o, float* stats, int size, int stride)
        where TElement : struct, ICacheElement
        where THeads : struct, IHeadCount;
}
