using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>32 weights: a binary16 scale, a binary16 minimum and 32 nibbles. Value = w · nibble + m.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q4_1 : IBlockFormat<Q4_1>, IBlockEncoder
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
    static void IBlockEncoder.Encode(float* weights, byte* block)
    {
        var target = (Q4_1*)block;
        var (least, largest) = BlockFit.Range(weights, 32);
        (target->_minimum, float minimum) = BlockFit.Narrow(least);
        (target->_scale, float scale) = BlockFit.Narrow((largest - least) / 15);
        Span<byte> codes = stackalloc byte[32];
        for (int i = 0; i < 32; i++)
        {
            codes[i] = (byte)BlockFit.Code(weights[i] - minimum, scale, 0, 15);
        }

        BlockFit.JoinNibbles(codes, target->_nibbles);
    }
}
