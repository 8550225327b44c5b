using V = System.Runtime.Intrinsics.Vector512<float>;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>
/// 16 blocks of a format side by side: weights and what they count, and the numbers that are chosen for them. All pointers are to memory of the
/// encoder's.
/// </summary>
internal unsafe struct BlockLanes
{
    /// <summary>Vectors of memory that a format needs at most: three arrays of 256, and some small ones.</summary>
    public const int Vectors = (3 * MostWeights) + (4 * MostSubBlocks) + (2 * MostScales);

    private const int MostWeights = 256;
    private const int MostSubBlocks = 16;
    private const int MostScales = 4;

    /// <summary>Over <see cref="Vectors"/> vectors.</summary>
    public BlockLanes(V* memory)
    {
        X = memory;
        Weights = X + MostWeights;
        Codes = Weights + MostWeights;
        SubScales = Codes + MostWeights;
        SubMinimums = SubScales + MostSubBlocks;
        Scratch = SubMinimums + MostSubBlocks;
        Scales = Scratch + (2 * MostSubBlocks);
        Minimums = Scales + MostScales;
    }

    /// <summary>The numbers to encode. [block size]</summary>
    public V* X;

    /// <summary>What a squared error of each counts. [block size]</summary>
    public V* Weights;

    /// <summary>Chosen codes. [block size]</summary>
    public V* Codes;

    /// <summary>Chosen integer scales and minimums. [sub-blocks]</summary>
    public V* SubScales;
    public V* SubMinimums;

    /// <summary>For searches. [2 · 16]</summary>
    public V* Scratch;

    /// <summary>Chosen real scales, and their like for minimums. [1, or 4 where halves of 32 have their own]</summary>
    public V* Scales;
    public V* Minimums;
}
