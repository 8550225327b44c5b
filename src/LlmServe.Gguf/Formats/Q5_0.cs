using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>32 weights: a binary16 scale, 32 fifth bits and 32 nibbles, offset 16. Value = w · (code − 16).</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q5_0 : IBlockFormat<Q5_0>
{
    private ushort _scale;
    private uint _fifth;
    private fixed byte _nibbles[16];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q5_0;

    /// <inheritdoc/>
    public static int BlockSize => 32;

    /// <inheritdoc/>
    public static int BlockBytes => 22;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Symmetric;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 5;

    /// <inheritdoc/>
    public static int CodeBias => 16;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q5_0*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.SubScale0 = codes.SubScale1 = 1;
        BlockBits.SplitNibblesWithFifth(source->_nibbles, source->_fifth, 16, ref codes);
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (Q5_0*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        BlockBits.JoinNibbles(pieces->Q, 16, target->_nibbles);
        target->_fifth = BlockBits.FifthBits(pieces->Q, 16);
    }
}
