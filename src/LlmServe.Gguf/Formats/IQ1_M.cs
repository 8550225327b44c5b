using System.Runtime.InteropServices;
using LlmServe.Gguf.Formats.Codebooks;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as sixteen times 16: as IQ1_S, with a shift for every eight and a 3-bit scale for every sixteen; the binary16 is scattered over the top nibbles of the scales.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct IQ1_M : IBlockFormat<IQ1_M>
{
    private fixed byte _indexes[32];
    private fixed byte _high[16];
    private fixed ushort _scales[4];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.IQ1_M;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 56;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Super;

    /// <inheritdoc/>
    public static int SubBlockSize => 16;

    /// <inheritdoc/>
    public static int CodeBits => 3;

    /// <inheritdoc/>
    public static ReadOnlySpan<sbyte> CodeTable => [-9, -7, -1, 1, 7, 9];

    /// <inheritdoc/>
    public static int ScaleExponent => -3;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (IQ1_M*)block;
        codes = default;
        int half = source->_scales[0] >> 12 | source->_scales[1] >> 12 << 4 | source->_scales[2] >> 12 << 8 | source->_scales[3] >> 12 << 12;
        codes.Scale = BlockBits.Widen((ushort)half) / 8;
        int scales = source->_scales[piece >> 1] >> (6 * (piece & 1));
        codes.SubScale0 = (2 * (scales & 7)) + 1;
        codes.SubScale1 = (2 * (scales >> 3 & 7)) + 1;
        for (int group = 0; group < 4; group++)
        {
            int at = (4 * piece) + group;
            int high = source->_high[at >> 1] >> (4 * (at & 1));
            BlockBits.SetShifted(Codebook.Iq1[source->_indexes[at] | (high & 7) << 8], (high & 8) != 0 ? -1 : 1, ref codes, 8 * group);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (IQ1_M*)block;
        *target = default;
        int half = BlockBits.Narrow(pieces->Scale * 8);
        for (int i = 0; i < 4; i++)
        {
            target->_scales[i] = (ushort)((half >> (4 * i) & 15) << 12);
        }

        for (int piece = 0; piece < 8; piece++)
        {
            var codes = pieces + piece;
            target->_scales[piece >> 1] |= (ushort)((codes->SubScale0 >> 1 | codes->SubScale1 >> 1 << 3) << (6 * (piece & 1)));
            for (int group = 0; group < 4; group++)
            {
                int index = Codebook.Iq1.IndexOf(codes->Q + (8 * group)), at = (4 * piece) + group;
                target->_indexes[at] = (byte)index;
                target->_high[at >> 1] |= (byte)((index >> 8 | (Codebook.ShiftOf(codes->Q + (8 * group)) < 0 ? 8 : 0)) << (4 * (at & 1)));
            }
        }
    }
}
