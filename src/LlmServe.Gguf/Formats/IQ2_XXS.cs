using System.Runtime.InteropServices;
using LlmServe.Gguf.Formats.Codebooks;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as eight times 32: four codebook entries with signs of even parity and a 4-bit scale in 8 bytes. Value = w · (2s + 1) · q, w an eighth of the binary16.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct IQ2_XXS : IBlockFormat<IQ2_XXS>
{
    private ushort _scale;
    private fixed ushort _codes[32];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.IQ2_XXS;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 66;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Super;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 3;

    /// <inheritdoc/>
    public static ReadOnlySpan<sbyte> CodeTable => [-43, -25, -8, 8, 25, 43];

    /// <inheritdoc/>
    public static int ScaleExponent => -3;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (IQ2_XXS*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale) / 8;
        byte* indexes = (byte*)(source->_codes + (4 * piece));
        uint signs = BlockBits.Word(indexes + 4);
        codes.SubScale0 = codes.SubScale1 = (2 * (int)(signs >> 28)) + 1;
        for (int group = 0; group < 4; group++)
        {
            BlockBits.SetSigned(Codebook.Iq2Xxs[indexes[group]], Signs.OfSeven(signs >> (7 * group)), ref codes, 8 * group);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (IQ2_XXS*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale * 8);
        for (int piece = 0; piece < 8; piece++)
        {
            var codes = pieces + piece;
            byte* indexes = (byte*)(target->_codes + (4 * piece));
            uint signs = (uint)(codes->SubScale0 >> 1) << 28;
            for (int group = 0; group < 4; group++)
            {
                indexes[group] = (byte)Codebook.Iq2Xxs.IndexOf(codes->Q + (8 * group));
                signs |= (uint)(Signs.Of(codes->Q + (8 * group), 8) & 127) << (7 * group);
            }

            BlockBits.SetWord(indexes + 4, signs);
        }
    }
}
