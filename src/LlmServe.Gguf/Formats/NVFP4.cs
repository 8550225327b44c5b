using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>64 weights of 4-bit floating point (e2m1) as four times 16, each with an unsigned 8-bit floating-point scale (e4m3). Value = w · q, w half of the scale, q twice what the nibble stands for.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct NVFP4 : IBlockFormat<NVFP4>
{
    private fixed byte _scales[4];
    private fixed byte _nibbles[32];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.NVFP4;

    /// <inheritdoc/>
    public static int BlockSize => 64;

    /// <inheritdoc/>
    public static int BlockBytes => 36;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Paired;

    /// <inheritdoc/>
    public static int SubBlockSize => 16;

    /// <inheritdoc/>
    public static int CodeBits => 4;

    /// <inheritdoc/>
    public static ReadOnlySpan<sbyte> CodeTable => BlockBits.Fp4Values;

    /// <inheritdoc/>
    public static ScaleType ScaleType => ScaleType.UE4M3;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (NVFP4*)block;
        codes = default;
        codes.Scale = Widen(source->_scales[2 * piece]);
        codes.SecondScale = Widen(source->_scales[(2 * piece) + 1]);
        codes.SubScale0 = codes.SubScale1 = 1;
        BlockBits.SplitTable(source->_nibbles + (16 * piece), BlockBits.Fp4Values, 8, ref codes, 0);
        BlockBits.SplitTable(source->_nibbles + (16 * piece) + 8, BlockBits.Fp4Values, 8, ref codes, 16);
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (NVFP4*)block;
        *target = default;
        for (int piece = 0; piece < 2; piece++)
        {
            target->_scales[2 * piece] = Narrow(pieces[piece].Scale);
            target->_scales[(2 * piece) + 1] = Narrow(pieces[piece].SecondScale);
            BlockBits.JoinTable(pieces[piece].Q, BlockBits.Fp4Values, 8, target->_nibbles + (16 * piece));
            BlockBits.JoinTable(pieces[piece].Q + 16, BlockBits.Fp4Values, 8, target->_nibbles + (16 * piece) + 8);
        }
    }

    /// <summary>Half of what a scale byte stands for: four bits of exponent, three of mantissa; the top bit is ignored, and 0x7F is 0.</summary>
    private static float Widen(byte scale)
    {
        if (scale == 0x7F)
        {
            return 0;
        }

        int exponent = scale >> 3 & 15, mantissa = scale & 7;
        return exponent == 0 ? MathF.ScaleB(mantissa, -10) : MathF.ScaleB(8 + mantissa, exponent - 11);
    }

    /// <summary>The byte for a scale that has one.</summary>
    private static byte Narrow(float scale)
    {
        if (scale < 1f / 128)
        {
            return (byte)MathF.ScaleB(scale, 10);
        }

        int exponent = Math.ILogB(scale);
        return (byte)((exponent + 8) << 3 | ((int)MathF.ScaleB(scale, 3 - exponent) & 7));
    }
}
