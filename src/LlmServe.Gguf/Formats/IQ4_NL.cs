using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>32 weights: a binary16 scale and 32 nibbles that index a table of 16 integers. Value = w · table[nibble].</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct IQ4_NL : IBlockFormat<IQ4_NL>
{
    private ushort _scale;
    private fixed byte _nibbles[16];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.IQ4_NL;

    /// <inheritdoc/>
    public static int BlockSize => 32;

    /// <inheritdoc/>
    public static int BlockBytes => 18;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Symmetric;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 4;

    /// <inheritdoc/>
    public static ReadOnlySpan<sbyte> CodeTable => BlockBits.Iq4Values;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (IQ4_NL*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.SubScale0 = codes.SubScale1 = 1;
        BlockBits.SplitTable(source->_nibbles, BlockBits.Iq4Values, 16, ref codes, 0);
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (IQ4_NL*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        BlockBits.JoinTable(pieces->Q, BlockBits.Iq4Values, 16, target->_nibbles);
    }
}
