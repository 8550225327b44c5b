using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>32 weights: a binary16 scale, a binary16 minimum, 32 fifth bits and 32 nibbles. Value = w · code + m.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q5_1 : IBlockFormat<Q5_1>
{
    private ushort _scale;
    private ushort _minimum;
    private uint _fifth;
    private fixed byte _nibbles[16];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q5_1;

    /// <inheritdoc/>
    public static int BlockSize => 32;

    /// <inheritdoc/>
    public static int BlockBytes => 24;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.WithMinimum;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 5;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q5_1*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.Minimum = BlockBits.Widen(source->_minimum);
        codes.SubScale0 = codes.SubScale1 = 1;
        BlockBits.SplitNibblesWithFifth(source->_nibbles, source->_fifth, 0, ref codes);
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (Q5_1*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        target->_minimum = BlockBits.Narrow(pieces->Minimum);
        BlockBits.JoinNibbles(pieces->Q, 0, target->_nibbles);
        target->_fifth = BlockBits.FifthBits(pieces->Q, 0);
    }
}
