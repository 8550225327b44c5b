namespace LlmServe.Gguf.Formats;

/// <summary>A quantized GGML block format, as a struct so that kernels can be generic over it without a virtual call.</summary>
public unsafe interface IBlockFormat<TSelf> where TSelf : unmanaged, IBlockFormat<TSelf>
{
    /// <summary>The number in GGUF files.</summary>
    static abstract GgmlType Type { get; }

    /// <summary>Weights in a block: 32, 64, 128 or 256. All of a block share the scale <c>w</c>, but for <see cref="BlockKind.Paired"/>.</summary>
    static abstract int BlockSize { get; }

    /// <summary>Bytes of a block in a GGUF file.</summary>
    static abstract int BlockBytes { get; }

    /// <summary>Which terms the dot product has.</summary>
    static abstract BlockKind Kind { get; }

    /// <summary>Weights that share one scale in <c>f32</c> mode: 16 or 32.</summary>
    static abstract int SubBlockSize { get; }

    /// <summary>
    /// Bits in which a code can be stored: as <c>code + <see cref="CodeBias"/></c>, or as an index of <see cref="CodeTable"/>; 8: as a signed byte; 1: whether
    /// it is +1 rather than −1.
    /// </summary>
    static abstract int CodeBits { get; }

    /// <summary>What makes codes unsigned; 0 where there is a table, or where they are signed bytes.</summary>
    static virtual int CodeBias => 0;

    /// <summary>The values that codes take where these do not follow one another, at most 16; else empty.</summary>
    static virtual ReadOnlySpan<sbyte> CodeTable => default;

    /// <summary>Least and largest code that an encoder may write (see <see cref="CodeTable"/> for those in between).</summary>
    static virtual (int Least, int Most) Codes => TSelf.CodeBits switch
    {
        1 => (-1, 1),
        8 => (-127, 127),
        _ => TSelf.CodeTable.IsEmpty ? (-TSelf.CodeBias, (1 << TSelf.CodeBits) - 1 - TSelf.CodeBias) : (TSelf.CodeTable[0], TSelf.CodeTable[^1]),
    };

    /// <summary>Least and largest integer scale of a sub-block; (1, 1) where there are none. Those of IQ1, IQ2 and IQ3 are odd.</summary>
    static virtual (int Least, int Most) SubScales => (1, 1);

    /// <summary>Largest integer minimum of a sub-block, the least being 0.</summary>
    static virtual int MostSubMinimum => 0;

    /// <summary>What <c>w</c> (and the minimum) is stored as.</summary>
    static virtual ScaleType ScaleType => ScaleType.Half;

    /// <summary>k where <c>w</c> is 2^k times the stored number.</summary>
    static virtual int ScaleExponent => 0;

    /// <summary>Reads the 32 weights number <paramref name="piece"/> (0 … BlockSize/32 − 1) of a block.</summary>
    static abstract void Unpack(byte* block, int piece, out Codes32 codes);

    /// <summary>Writes a block whose numbers can be stored exactly: what <see cref="Unpack"/> reads. [BlockSize / 32 pieces]</summary>
    static abstract void Pack(Codes32* pieces, byte* block);
}
