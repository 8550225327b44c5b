using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as sixteen times 16: nibbles and pairs of high bits, offset 32, with signed byte scales. Value = w · s · q.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q6_K : IBlockFormat<Q6_K>
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
    public static (int Least, int Most) SubScales => (-128, 127);

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
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (Q6_K*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        for (int piece = 0; piece < 8; piece++)
        {
            var codes = pieces + piece;
            target->_scales[2 * piece] = (sbyte)codes->SubScale0;
            target->_scales[(2 * piece) + 1] = (sbyte)codes->SubScale1;
            int half = piece >> 2, part = piece & 3;
            byte* column = target->_nibbles + (64 * half) + (32 * (part & 1));
            byte* high = target->_high + (32 * half);
            for (int i = 0; i < 32; i++)
            {
                int code = codes->Q[i] + 32;
                column[i] |= (byte)((code & 15) << (4 * (part >> 1)));
                high[i] |= (byte)(code >> 4 << (2 * part));
            }
        }
    }
}
