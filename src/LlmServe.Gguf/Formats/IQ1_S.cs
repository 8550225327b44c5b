using System.Runtime.InteropServices;
using LlmServe.Gguf.Formats.Codebooks;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as eight times 32: 11-bit indexes of eight codes −1, 0, 1, a shift by ±1/8 and a 3-bit scale. Value = w · (2s + 1) · q, w an eighth of the binary16, q = 8 · code ± 1.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct IQ1_S : IBlockFormat<IQ1_S>
{
    private ushort _scale;
    private fixed byte _indexes[32];
    private fixed ushort _high[8];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.IQ1_S;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 50;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Super;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 3;

    /// <inheritdoc/>
    public static ReadOnlySpan<sbyte> CodeTable => [-9, -7, -1, 1, 7, 9];

    /// <inheritdoc/>
    public static int ScaleExponent => -3;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (IQ1_S*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale) / 8;
        int high = source->_high[piece];
        codes.SubScale0 = codes.SubScale1 = (2 * (high >> 12 & 7)) + 1;
        int shift = (high & 0x8000) != 0 ? -1 : 1;
        for (int group = 0; group < 4; group++)
        {
            BlockBits.SetShifted(Codebook.Iq1[source->_indexes[(4 * piece) + group] | (high >> (3 * group) & 7) << 8], shift, ref codes, 8 * group);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (IQ1_S*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale * 8);
        for (int piece = 0; piece < 8; piece++)
        {
            var codes = pieces + piece;
            int high = codes->SubScale0 >> 1 << 12 | (Codebook.ShiftOf(codes->Q) < 0 ? 0x8000 : 0);
            for (int group = 0; group < 4; group++)
            {
                int index = Codebook.Iq1.IndexOf(codes->Q + (8 * group));
                target->_indexes[(4 * piece) + group] = (byte)index;
                high |= index >> 8 << (3 * group);
            }

            target->_high[piece] = (ushort)high;
        }
    }
}
