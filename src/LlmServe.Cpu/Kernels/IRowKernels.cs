using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels;

/// <summary>Row operations of one instruction set; all give the bits of <see cref="Reference.ReferenceRows"/>.</summary>
internal unsafe interface IRowKernels<TSelf> where TSelf : struct, IRowKernels<TSelf>
{
    /// <summary>Whether eight numbers or more are taken at a time.</summary>
    static abstract bool HasVectors { get; }

    /// <summary>RMSNorm of a row; y can be x. gain: null for none. [length]</summary>
    static abstract void RmsNorm(float* x, float* gain, float* y, int length, float epsilon);

    /// <summary>LayerNorm of a row; y can be x. gain, bias: null for none. [length]</summary>
    static abstract void LayerNorm(float* x, float* gain, float* bias, float* y, int length, float epsilon);

    /// <summary>y_i = x_i · factor; y can be x. [length]</summary>
    static abstract void Scale(float* x, float factor, float* y, int length);

    /// <summary>Writes columns of a row in all forms that the row carries.</summary>
    static abstract void WriteForms(float* values, in ActivationView output, int row, int begin, int count);

    /// <summary>y_i += x_i. [length]</summary>
    static abstract void Add(float* y, float* x, int length);

    /// <summary>Rotates pairs of elements i and i + pairs in place: x0' = fma(x0, c, −(x1 · s)), x1' = fma(x0, s, x1 · c). x: [2 · pairs]; cosines, sines: [pairs]</summary>
    static abstract void RotateHalves(float* x, float* cosines, float* sines, int pairs);

    /// <summary>Rotates pairs of neighbours in place. x: [2 · pairs]; cosines, sines: [pairs]</summary>
    static abstract void RotateNeighbours(float* x, float* cosines, float* sines, int pairs);

    /// <summary>Writes elements of a position to a panel of the cache. [length], starting at element <paramref name="first"/> of the head</summary>
    static abstract void StoreCache(float* values, byte* panel, int position, int first, int length, in PanelLayout layout);

    /// <summary>Rows of one sequence that <see cref="AttendTile"/> takes together; 0 where there is no such kernel for the shape and cache.</summary>
    static abstract int TileRows(LayerAttention* layer);

    /// <summary>
    /// Attention of up to <see cref="TileRows"/> rows at consecutive positions of one sequence, for up to <see cref="Simd.AttentionTile.MostHeads"/> query heads
    /// of one key head. The result of head h (of those) and row r stands at the returned address + (h · TileRows + r) · value size.
    /// </summary>
    static abstract float* AttendTile(LaneState* lane, LayerAttention* layer, ActivationView* query, int firstRow, int rows, int queryHead, int heads);

    /// <summary>
    /// One attention segment of one row, for heads that share a key head: weighted values, and largest score and sum of each head. The row sees a position of
    /// the segment.
    /// </summary>
    /// <param name="layer">The layer.</param>
    /// <param name="tick">The tick.</param>
    /// <param name="query">[heads, key size]</param>
    /// <param name="row">Row of the tick.</param>
    /// <param name="keyHead">Key head.</param>
    /// <param name="heads">Number of query heads.</param>
    /// <param name="segment">Index of the segment.</param>
    /// <param name="o">Gets Σ p v. [heads, value size]</param>
    /// <param name="stats">Gets largest score and sum. [heads, 2]</param>
    static abstract void AttendSegment(LayerAttention* layer, TickState* tick, float* query, int row, int keyHead, int heads, int segment, float* o, float* stats);

    /// <summary>Joins the next segment of a head to those before it. whole, o: [size]; stats: largest score and sum</summary>
    static abstract void JoinSegment(float* whole, float* wholeStats, float* o, float* stats, int size);

    /// <summary>o_i = o_i / l. [size]</summary>
    static abstract void Divide(float* o, float l, int size);
}
