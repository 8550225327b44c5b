using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>32 weights of 4-bit floating point (e2m1) with a power of two as scale: an exponent byte (OCP's E8M0) and 32 nibbles. Value = w · q, w = 2^(exponent − 128), q twice what the nibble stands for.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct MXFP4 : IBlockFormat<MXFP4>
{
    private byte _exponent;
    private fixed byte _nibbles[16];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.MXFP4;

    /// <inheritdoc/>
    public static int BlockSize => 32;

    /// <inheritdoc/>
    public static int BlockBytes => 17;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Symmetric;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 4;

    /// <inheritdoc/>
    public static ReadOnlySpan<sbyte> CodeTable => BlockBits.Fp4Values;

    /// <inheritdoc/>
    public static ScaleType ScaleType => ScaleType.E8M0;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (MXFP4*)block;
        codes = default;
        codes.Scale = MathF.ScaleB(1, source->_exponent - 128);
        codes.SubScale0 = codes.SubScale1 = 1;
        BlockBits.SplitTable(source->_nibbles, BlockBits.Fp4Values, 16, ref codes, 0);
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (MXFP4*)block;
        *target = default;
        target->_exponent = (byte)(pieces->Scale > 0 ? Math.ILogB(pieces->Scale) + 128 : 0);
        BlockBits.JoinTable(pieces->Q, BlockBits.Fp4Values, 16, target->_nibbles);
    }
}
