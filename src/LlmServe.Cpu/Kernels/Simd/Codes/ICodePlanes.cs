namespace LlmServe.Cpu.Kernels.Simd.Codes;

/// <summary>
/// How the integer codes of a piece (16 rows × 32 weights) are stored. A chunk is 64 bytes: four bytes of each row, so that a vector holds the same
/// four weights of its rows. Weights are grouped by fours: group t (0 … 7) holds weights 4t … 4t + 3 of the piece.
/// </summary>
internal unsafe interface ICodePlanes
{
    /// <summary>Bytes of a piece.</summary>
    static abstract int PieceBytes { get; }

    /// <summary>Added to codes when packing, so that stored ones are unsigned; 0 where they are signed bytes.</summary>
    static abstract int Bias { get; }

    /// <summary>Largest stored code.</summary>
    static abstract int Largest { get; }

    /// <summary>Largest magnitude of a code without the bias.</summary>
    static abstract int Magnitude { get; }

    /// <summary>Whether loaded codes are full signed bytes, which need 16-bit products.</summary>
    static abstract bool IsWide { get; }

    /// <summary>Whether a pair's codes are the nibbles of a chunk, the low ones first, and nothing else.</summary>
    static abstract bool IsNibbles { get; }

    /// <summary>Stores the codes of a piece. codes: [16 rows][32], biased</summary>
    static abstract void Pack(byte* codes, byte* piece);

    /// <summary>Loads groups 2·pair and 2·pair + 1 of the rows of a vector; <paramref name="piece"/> points at the vector's part of the first chunk.</summary>
    static abstract void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged;
}
