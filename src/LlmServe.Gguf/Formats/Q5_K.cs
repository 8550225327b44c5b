using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as eight times 32: Q4_K with a fifth bit per weight; bit p of byte i belongs to weight i of piece p. Value = w · s · q − wm · n.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q5_K : IBlockFormat<Q5_K>
{
    private ushort _scale;
    private ushort _minimum;
    private fixed byte _scales[12];
    private fixed byte _fifth[32];
    private fixed byte _nibbles[128];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q5_K;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 176;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.SuperWithMinimum;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 5;

    /// <inheritdoc/>
    public static (int Least, int Most) SubScales => (0, 63);

    /// <inheritdoc/>
    public static int MostSubMinimum => 63;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q5_K*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.Minimum = BlockBits.Widen(source->_minimum);
        var (scale, minimum) = BlockBits.SixBitPair(source->_scales, piece);
        codes.SubScale0 = codes.SubScale1 = scale;
        codes.SubMinimum0 = codes.SubMinimum1 = minimum;
        byte* column = source->_nibbles + 32 * (piece >> 1);
        int shift = 4 * (piece & 1);
        for (int i = 0; i < 32; i++)
        {
            int fifth = source->_fifth[i] >> piece & 1;
            codes.Q[i] = (sbyte)(column[i] >> shift & 15 | fifth << 4);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (Q5_K*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        target->_minimum = BlockBits.Narrow(pieces->Minimum);
        byte* scales = stackalloc byte[8];
        byte* minimums = stackalloc byte[8];
        for (int piece = 0; piece < 8; piece++)
        {
            var codes = pieces + piece;
            (scales[piece], minimums[piece]) = ((byte)codes->SubScale0, (byte)codes->SubMinimum0);
            byte* column = target->_nibbles + (32 * (piece >> 1));
            for (int i = 0; i < 32; i++)
            {
                column[i] |= (byte)((codes->Q[i] & 15) << (4 * (piece & 1)));
                target->_fifth[i] |= (byte)(codes->Q[i] >> 4 << piece);
            }
        }

        BlockBits.JoinSixBitPairs(scales, minimums, target->_scales);
    }
}
