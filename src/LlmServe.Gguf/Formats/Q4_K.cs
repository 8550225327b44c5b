using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as eight times 32: nibbles with 6-bit scales and minimums. Value = w · s · q − wm · n.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q4_K : IBlockFormat<Q4_K>
{
    private ushort _scale;
    private ushort _minimum;
    private fixed byte _scales[12];
    private fixed byte _nibbles[128];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q4_K;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 144;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.SuperWithMinimum;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 4;

    /// <inheritdoc/>
    public static (int Least, int Most) SubScales => (0, 63);

    /// <inheritdoc/>
    public static int MostSubMinimum => 63;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q4_K*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.Minimum = BlockBits.Widen(source->_minimum);
        var (scale, minimum) = BlockBits.SixBitPair(source->_scales, piece);
        codes.SubScale0 = codes.SubScale1 = scale;
        codes.SubMinimum0 = codes.SubMinimum1 = minimum;

        // 32 bytes hold two pieces: low nibbles the even one, high nibbles the odd one.
        byte* column = source->_nibbles + 32 * (piece >> 1);
        int shift = 4 * (piece & 1);
        for (int i = 0; i < 32; i++)
        {
            codes.Q[i] = (sbyte)(column[i] >> shift & 15);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (Q4_K*)block;
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
            }
        }

        BlockBits.JoinSixBitPairs(scales, minimums, target->_scales);
    }
}
