using System.Runtime.InteropServices;
using LlmServe.Gguf.Formats.Codebooks;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as sixteen times 16: 9-bit codebook indexes with 7-bit signs of even parity, 4-bit scales. Value = w · (2s + 1) · q, w an eighth of the binary16.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct IQ2_XS : IBlockFormat<IQ2_XS>
{
    private ushort _scale;
    private fixed ushort _codes[32];
    private fixed byte _scales[8];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.IQ2_XS;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 74;

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
        var source = (IQ2_XS*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale) / 8;
        BlockBits.SetOddScales(source->_scales[piece], ref codes);
        for (int group = 0; group < 4; group++)
        {
            uint code = source->_codes[(4 * piece) + group];
            BlockBits.SetSigned(Codebook.Iq2Xs[(int)(code & 511)], Signs.OfSeven(code >> 9), ref codes, 8 * group);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (IQ2_XS*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale * 8);
        for (int piece = 0; piece < 8; piece++)
        {
            var codes = pieces + piece;
            target->_scales[piece] = BlockBits.OddScales(*codes);
            for (int group = 0; group < 4; group++)
            {
                sbyte* eight = codes->Q + (8 * group);
                target->_codes[(4 * piece) + group] = (ushort)(Codebook.Iq2Xs.IndexOf(eight) | (Signs.Of(eight, 8) & 127) << 9);
            }
        }
    }
}
