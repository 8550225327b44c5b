using System.Runtime.InteropServices;
using LlmServe.Gguf.Formats.Codebooks;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as eight times 32: 9-bit codebook indexes of four, a sign for each weight, 4-bit scales. Value = w · (2s + 1) · q.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct IQ3_S : IBlockFormat<IQ3_S>
{
    private ushort _scale;
    private fixed byte _indexes[64];
    private fixed byte _high[8];
    private fixed byte _signs[32];
    private fixed byte _scales[4];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.IQ3_S;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 110;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Super;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 4;

    /// <inheritdoc/>
    public static ReadOnlySpan<sbyte> CodeTable => [-15, -13, -11, -9, -7, -5, -3, -1, 1, 3, 5, 7, 9, 11, 13, 15];

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (IQ3_S*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.SubScale0 = codes.SubScale1 = (2 * (source->_scales[piece >> 1] >> (4 * (piece & 1)) & 15)) + 1;
        for (int group = 0; group < 8; group++)
        {
            int index = source->_indexes[(8 * piece) + group] | (source->_high[piece] >> group & 1) << 8;
            int mask = source->_signs[(4 * piece) + (group >> 1)] >> (4 * (group & 1));
            BlockBits.SetSigned(Codebook.Iq3S[index], mask, ref codes, 4 * group);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (IQ3_S*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        for (int piece = 0; piece < 8; piece++)
        {
            var codes = pieces + piece;
            target->_scales[piece >> 1] |= (byte)(codes->SubScale0 >> 1 << (4 * (piece & 1)));
            for (int group = 0; group < 8; group++)
            {
                int index = Codebook.Iq3S.IndexOf(codes->Q + (4 * group));
                target->_indexes[(8 * piece) + group] = (byte)index;
                target->_high[piece] |= (byte)(index >> 8 << group);
                target->_signs[(4 * piece) + (group >> 1)] |= (byte)(Signs.Of(codes->Q + (4 * group), 4) << (4 * (group & 1)));
            }
        }
    }
}
