using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>32 weights: a binary16 scale, a binary16 minimum, 32 fifth bits and 32 nibbles. Value = w · code + m.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q5_1 : IBlockFormat<Q5_1>, IBlockEncoder
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
    static void IBlockEncoder.Encode(float* weights, byte* block)
    {
        var target = (Q5_1*)block;
        var (least, largest) = BlockFit.Range(weights, 32);
        (target->_minimum, float minimum) = BlockFit.Narrow(least);
        (target->_scale, float scale) = BlockFit.Narrow((largest - least) / 31);
        Span<byte> codes = stackalloc byte[32];
        for (int i = 0; i < 32; i++)
        {
            codes[i] = (byte)BlockFit.Code(weights[i] - minimum, scale, 0, 31);
        }

        target->_fifth = BlockFit.FifthBits(codes);
        BlockFit.JoinNibbles(codes, target->_nibbles);
    }
}
