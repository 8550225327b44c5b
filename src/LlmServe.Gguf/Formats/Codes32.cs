namespace LlmServe.Gguf.Formats;

/// <summary>
/// 32 consecutive weights as integers: what decoding, the reference kernels and repacking all start from.
/// A sub-block is a half of 16; formats whose sub-blocks are 32 wide give both halves the same scale and minimum.
/// </summary>
public unsafe struct Codes32
{
    /// <summary>Integer codes with the format's offset already applied (Q4_0: nibble − 8; Q4_1: nibble; Q6_K: −32…31; IQ4: table values).</summary>
    public fixed sbyte Q[32];

    /// <summary>The scale <c>w</c>, exact: of the block, or of the first 16 weights where halves have their own.</summary>
    public float Scale;

    /// <summary>The scale of the last 16 weights where halves have their own (<see cref="BlockKind.Paired"/>); else not used.</summary>
    public float SecondScale;

    /// <summary><c>m</c> for <see cref="BlockKind.WithMinimum"/> (signed, added); <c>wm</c> for <see cref="BlockKind.SuperWithMinimum"/>; else 0.</summary>
    public float Minimum;

    /// <summary>Integer sub-block scales of the first and second 16 weights; 1 where the format has none.</summary>
    public int SubScale0, SubScale1;

    /// <summary>Integer sub-block minimums of the first and second 16 weights; 0 where the format has none.</summary>
    public int SubMinimum0, SubMinimum1;
}
