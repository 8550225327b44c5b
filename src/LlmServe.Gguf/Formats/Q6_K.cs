using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as sixteen times 16: nibbles and pairs of high bits, offset 32, with signed byte scales. Value = w · s · q.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q6_K : IBlockFormat<Q6_K>, IBlockEncoder
{
    private fixed byte _nibbles[128];
    private fixed byte _high[64];
    private fixed sbyte _scales[16];
    private ushort _scale;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q6_K;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 210;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Super;

    /// <inheritdoc/>
    public static int SubBlockSize => 16;

    /// <inheritdoc/>
    public static int CodeBits => 6;

    /// <inheritdoc/>
    public static int CodeBias => 32;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q6_K*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.SubScale0 = source->_scales[2 * piece];
        codes.SubScale1 = source->_scales[2 * piece + 1];

        // Each half of 128 weights: 64 bytes of nibbles (pieces 0, 1 low, then 2, 3 high) and 32 bytes with two high bits per piece.
        int half = piece >> 2;
        int part = piece & 3;
        byte* column = source->_nibbles + 64 * half + 32 * (part & 1);
        byte* high = source->_high + 32 * half;
        for (int i = 0; i < 32; i++)
        {
            int low = column[i] >> (4 * (part >> 1)) & 15;
            codes.Q[i] = (sbyte)((low | (high[i] >> (2 * part) & 3) << 4) - 32);
        }
    }

    /// <inheritdoc/>
    static void IBlockEncoder.Encode(float* weights, byte* block)
    {
        var target = (Q6_K*)block;
        float* scales = stackalloc float[16];
        for (int i = 0; i < 16; i++)
        {
            scales[i] = BlockFit.Extreme(weights + 16 * i, 16) / -32;
        }

        new Span<byte>(block, BlockBytes).Clear();
        (target->_scale, float unit) = BlockFit.Narrow(MathF.Abs(BlockFit.Extreme(scales, 16)) / 127);
        for (int i = 0; i < 16; i++)
        {
            target->_scales[i] = (sbyte)BlockFit.Code(scales[i], unit, -127, 127);
        }

        for (int i = 0; i < 256; i++)
        {
            int code = BlockFit.Code(weights[i], unit * target->_scales[i >> 4], -32, 31) + 32;
            var (half, part, column) = (i >> 7, i >> 5 & 3, i & 31);
            target->_nibbles[64 * half + 32 * (part & 1) + column] |= (byte)((code & 15) << (4 * (part >> 1)));
            target->_high[32 * half + column] |= (byte)(code >> 4 << (2 * part));
        }
    }
}
