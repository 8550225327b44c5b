using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>32 weights: a binary16 scale, a binary16 minimum and 32 nibbles. Value = w · nibble + m.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q4_1 : IBlockFormat<Q4_1>
{
    private ushort _scale;
    private ushort _minimum;
    private fixed byte _nibbles[16];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q4_1;

    /// <inheritdoc/>
    public static int BlockSize => 32;

    /// <inheritdoc/>
    public static int BlockBytes => 20;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.WithMinimum;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 4;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q4_1*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.Minimum = BlockBits.Widen(source->_minimum);
        codes.SubScale0 = codes.SubScale1 = 1;
        BlockBits.SplitNibbles(source->_nibbles, 0, ref codes);
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (Q4_1*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        target->_minimum = BlockBits.Narrow(pieces->Minimum);
        BlockBits.JoinNibbles(pieces->Q, 0, target->_nibbles);
    }
}
