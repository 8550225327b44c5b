using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as eight times 32: IQ4_NL codes with 6-bit scales, offset 32, stored as nibbles and pairs of high bits. Value = w · s · table[nibble].</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct IQ4_XS : IBlockFormat<IQ4_XS>
{
    private ushort _scale;
    private ushort _scalesHigh;
    private fixed byte _scalesLow[4];
    private fixed byte _nibbles[128];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.IQ4_XS;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 136;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Super;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 4;

    /// <inheritdoc/>
    public static ReadOnlySpan<sbyte> CodeTable => BlockBits.Iq4Values;

    /// <inheritdoc/>
    public static (int Least, int Most) SubScales => (-32, 31);

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (IQ4_XS*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        int low = source->_scalesLow[piece >> 1] >> (4 * (piece & 1)) & 15;
        int high = source->_scalesHigh >> (2 * piece) & 3;
        codes.SubScale0 = codes.SubScale1 = (low | high << 4) - 32;
        BlockBits.SplitTable(source->_nibbles + 16 * piece, BlockBits.Iq4Values, 16, ref codes, 0);
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (IQ4_XS*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        for (int piece = 0; piece < 8; piece++)
        {
            int scale = pieces[piece].SubScale0 + 32;
            target->_scalesLow[piece >> 1] |= (byte)((scale & 15) << (4 * (piece & 1)));
            target->_scalesHigh |= (ushort)(scale >> 4 << (2 * piece));
            BlockBits.JoinTable(pieces[piece].Q, BlockBits.Iq4Values, 16, target->_nibbles + (16 * piece));
        }
    }
}
