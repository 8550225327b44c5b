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

    /// <summary>In which 16 bits <c>w</c> (and the minimum) can be stored exactly.</summary>
    static virtual ScaleStorage ScaleStorage => ScaleStorage.Half;

    /// <summary>k where <c>w</c> is 2^k times the stored number.</summary>
    static virtual int ScaleExponent => 0;

    /// <summary>Reads the 32 weights number <paramref name="piece"/> (0 … BlockSize/32 − 1) of a block.</summary>
    static abstract void Unpack(byte* block, int piece, out Codes32 codes);
}
