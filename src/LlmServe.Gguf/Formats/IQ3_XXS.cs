using System.Runtime.InteropServices;
using LlmServe.Gguf.Formats.Codebooks;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as eight times 32: eight codebook entries of four, signs of even parity and a 4-bit scale. Value = w · (2s + 1) · q, w half of the binary16, q half of the codebook's.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct IQ3_XXS : IBlockFormat<IQ3_XXS>
{
    private ushort _scale;
    private fixed byte _indexes[64];
    private fixed byte _signs[32];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.IQ3_XXS;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 98;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Super;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 4;

    /// <inheritdoc/>
    public static ReadOnlySpan<sbyte> CodeTable => [-31, -26, -22, -18, -14, -10, -6, -2, 2, 6, 10, 14, 18, 22, 26, 31];

    /// <inheritdoc/>
    public static int ScaleExponent => -1;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (IQ3_XXS*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale) / 2;
        uint signs = BlockBits.Word(source->_signs + (4 * piece));
        codes.SubScale0 = codes.SubScale1 = (2 * (int)(signs >> 28)) + 1;
        for (int group = 0; group < 8; group++)
        {
            int mask = Signs.OfSeven(signs >> (7 * (group / 2))) >> (4 * (group & 1));
            BlockBits.SetSigned(Codebook.Iq3Xxs[source->_indexes[(8 * piece) + group]], mask, ref codes, 4 * group);
        }

        for (int i = 0; i < 32; i++)
        {
            codes.Q[i] /= 2; // all are even
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (IQ3_XXS*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale * 2);
        for (int piece = 0; piece < 8; piece++)
        {
            var codes = pieces + piece;
            uint signs = (uint)(codes->SubScale0 >> 1) << 28;
            for (int group = 0; group < 8; group++)
            {
                target->_indexes[(8 * piece) + group] = (byte)Codebook.Iq3Xxs.IndexOf(codes->Q + (4 * group));
                signs |= (group & 1) != 0 ? 0 : (uint)(Signs.Of(codes->Q + (4 * group), 8) & 127) << (7 * (group / 2));
            }

            BlockBits.SetWord(target->_signs + (4 * piece), signs);
        }
    }
}
