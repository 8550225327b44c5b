namespace LlmServe.Gguf.Formats;

/// <summary>Which terms a quantized format's dot product has (NUMERICS: "Quantized matrix times row").</summary>
public enum BlockKind
{
    /// <summary>Value = w · q (Q8_0, Q4_0, Q5_0, IQ4_NL).</summary>
    Symmetric,

    /// <summary>Value = w · q + m (Q4_1, Q5_1).</summary>
    WithMinimum,

    /// <summary>Value = w · s · q with an integer sub-block scale s (Q3_K, Q6_K, IQ4_XS).</summary>
    Super,

    /// <summary>Value = w · s · q − wm · n with integer sub-block scale s and minimum n (Q2_K, Q4_K, Q5_K).</summary>
    SuperWithMinimum,
}

/// <summary>
/// 32 consecutive weights as integers: what decoding, the reference kernels and repacking all start from.
/// A sub-block is a half of 16; formats whose sub-blocks are 32 wide give both halves the same scale and minimum.
/// </summary>
public unsafe struct Codes32
{
    /// <summary>Integer codes with the format's offset already applied (Q4_0: nibble − 8; Q4_1: nibble; Q6_K: −32…31; IQ4: table values).</summary>
    public fixed sbyte Q[32];

    /// <summary>The block's scale <c>w</c>, widened exactly from binary16.</summary>
    public float Scale;

    /// <summary><c>m</c> for <see cref="BlockKind.WithMinimum"/> (signed, added); <c>wm</c> for <see cref="BlockKind.SuperWithMinimum"/>; else 0.</summary>
    public float Minimum;

    /// <summary>Integer sub-block scales of the first and second 16 weights; 1 where the format has none.</summary>
    public int SubScale0, SubScale1;

    /// <summary>Integer sub-block minimums of the first and second 16 weights; 0 where the format has none.</summary>
    public int SubMinimum0, SubMinimum1;
}

/// <summary>A quantized GGML block format, as a struct so that kernels can be generic over it without a virtual call.</summary>
public unsafe interface IBlockFormat<TSelf> where TSelf : unmanaged, IBlockFormat<TSelf>
{
    /// <summary>The number in GGUF files.</summary>
    static abstract GgmlType Type { get; }

    /// <summary>Weights in a block: 32 or 256.</summary>
    static abstract int BlockSize { get; }

    /// <summary>Bytes of a block in a GGUF file.</summary>
    static abstract int BlockBytes { get; }

    /// <summary>Which terms the dot product has.</summary>
    static abstract BlockKind Kind { get; }

    /// <summary>Weights that share one scale in <c>f32</c> mode: 16 or 32.</summary>
    static abstract int SubBlockSize { get; }

    /// <summary>Reads the 32 weights number <paramref name="piece"/> (0 … BlockSize/32 − 1) of a block.</summary>
    static abstract void Unpack(byte* block, int piece, out Codes32 codes);
}
