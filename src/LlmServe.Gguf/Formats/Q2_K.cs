using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as sixteen times 16: 2-bit codes, a byte per sub-block with a 4-bit scale (low) and minimum (high). Value = w · s · q − wm · n.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q2_K : IBlockFormat<Q2_K>
{
    private fixed byte _scales[16];
    private fixed byte _codes[64];
    private ushort _scale;
    private ushort _minimum;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q2_K;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 84;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.SuperWithMinimum;

    /// <inheritdoc/>
    public static int SubBlockSize => 16;

    /// <inheritdoc/>
    public static int CodeBits => 2;

    /// <inheritdoc/>
    public static (int Least, int Most) SubScales => (0, 15);

    /// <inheritdoc/>
    public static int MostSubMinimum => 15;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q2_K*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.Minimum = BlockBits.Widen(source->_minimum);
        int first = source->_scales[2 * piece];
        int second = source->_scales[2 * piece + 1];
        (codes.SubScale0, codes.SubMinimum0) = (first & 15, first >> 4);
        (codes.SubScale1, codes.SubMinimum1) = (second & 15, second >> 4);

        // A byte column holds four pieces, two bits each; the second 32 bytes hold pieces 4…7.
        byte* column = source->_codes + 32 * (piece >> 2);
        int shift = 2 * (piece & 3);
        for (int i = 0; i < 32; i++)
        {
            codes.Q[i] = (sbyte)(column[i] >> shift & 3);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (Q2_K*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        target->_minimum = BlockBits.Narrow(pieces->Minimum);
        for (int piece = 0; piece < 8; piece++)
        {
            var codes = pieces + piece;
            target->_scales[2 * piece] = (byte)(codes->SubScale0 | codes->SubMinimum0 << 4);
            target->_scales[(2 * piece) + 1] = (byte)(codes->SubScale1 | codes->SubMinimum1 << 4);
            byte* column = target->_codes + (32 * (piece >> 2));
            for (int i = 0; i < 32; i++)
            {
                column[i] |= (byte)(codes->Q[i] << (2 * (piece & 3)));
            }
        }
    }
}
