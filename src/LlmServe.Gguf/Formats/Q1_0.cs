using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>128 weights of one bit: −1 or +1, times a binary16 scale.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q1_0 : IBlockFormat<Q1_0>
{
    private ushort _scale;
    private fixed byte _bits[16];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q1_0;

    /// <inheritdoc/>
    public static int BlockSize => 128;

    /// <inheritdoc/>
    public static int BlockBytes => 18;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Symmetric;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 1;

    /// <inheritdoc/>
    public static int CodeBias => 1;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q1_0*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.SubScale0 = codes.SubScale1 = 1;
        for (int i = 0; i < 32; i++)
        {
            codes.Q[i] = (sbyte)((2 * (source->_bits[(4 * piece) + (i >> 3)] >> (i & 7) & 1)) - 1);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (Q1_0*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        for (int i = 0; i < 128; i++)
        {
            target->_bits[i >> 3] |= (byte)((pieces[i >> 5].Q[i & 31] > 0 ? 1 : 0) << (i & 7));
        }
    }
}
