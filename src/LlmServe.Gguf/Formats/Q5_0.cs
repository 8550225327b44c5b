using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>32 weights: a binary16 scale, 32 fifth bits and 32 nibbles, offset 16. Value = w · (code − 16).</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q5_0 : IBlockFormat<Q5_0>, IBlockEncoder
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
    static void IBlockEncoder.Encode(float* weights, byte* block)
    {
        // The weight of largest magnitude becomes code −16, the end of the range that reaches further.
        var target = (Q5_0*)block;
        (target->_scale, float scale) = BlockFit.Narrow(BlockFit.Extreme(weights, 32) / -16);
        Span<byte> codes = stackalloc byte[32];
        for (int i = 0; i < 32; i++)
        {
            codes[i] = (byte)(BlockFit.Code(weights[i], scale, -16, 15) + 16);
        }

        target->_fifth = BlockFit.FifthBits(codes);
        BlockFit.JoinNibbles(codes, target->_nibbles);
    }
}
