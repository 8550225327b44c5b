using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>32 weights: a binary16 scale and 32 nibbles, offset 8. Value = w · (nibble − 8).</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q4_0 : IBlockFormat<Q4_0>
{
    private ushort _scale;
    private fixed byte _nibbles[16];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q4_0;

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
    public static int CodeBias => 8;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q4_0*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.SubScale0 = codes.SubScale1 = 1;
        BlockBits.SplitNibbles(source->_nibbles, 8, ref codes);
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (Q4_0*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        BlockBits.JoinNibbles(pieces->Q, 8, target->_nibbles);
    }
}
