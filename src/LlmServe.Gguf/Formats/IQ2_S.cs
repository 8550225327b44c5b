using System.Runtime.InteropServices;
using LlmServe.Gguf.Formats.Codebooks;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as sixteen times 16: 10-bit codebook indexes, a sign for each weight, 4-bit scales. Value = w · (2s + 1) · q, w an eighth of the binary16.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct IQ2_S : IBlockFormat<IQ2_S>
{
    private ushort _scale;
    private fixed byte _indexes[32];
    private fixed byte _signs[32];
    private fixed byte _high[8];
    private fixed byte _scales[8];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.IQ2_S;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 82;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Super;

    /// <inheritdoc/>
    public static int SubBlockSize => 16;

    /// <inheritdoc/>
    public static int CodeBits => 3;

    /// <inheritdoc/>
    public static ReadOnlySpan<sbyte> CodeTable => [-43, -25, -8, 8, 25, 43];

    /// <inheritdoc/>
    public static int ScaleExponent => -3;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (IQ2_S*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale) / 8;
        BlockBits.SetOddScales(source->_scales[piece], ref codes);
        for (int group = 0; group < 4; group++)
        {
            int at = (4 * piece) + group;
            int index = source->_indexes[at] | (source->_high[piece] >> (2 * group) & 3) << 8;
            BlockBits.SetSigned(Codebook.Iq2S[index], source->_signs[at], ref codes, 8 * group);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (IQ2_S*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale * 8);
        for (int piece = 0; piece < 8; piece++)
        {
            var codes = pieces + piece;
            target->_scales[piece] = BlockBits.OddScales(*codes);
            for (int group = 0; group < 4; group++)
            {
                sbyte* eight = codes->Q + (8 * group);
                int index = Codebook.Iq2S.IndexOf(eight);
                target->_indexes[(4 * piece) + group] = (byte)index;
                target->_high[piece] |= (byte)(index >> 8 << (2 * group));
                target->_signs[(4 * piece) + group] = (byte)Signs.Of(eight, 8);
            }
        }
    }
}
