using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>64 weights of two bits, less 1: −1, 0, 1, 2, times a binary16 scale.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q2_0 : IBlockFormat<Q2_0>
{
    private ushort _scale;
    private fixed byte _codes[16];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q2_0;

    /// <inheritdoc/>
    public static int BlockSize => 64;

    /// <inheritdoc/>
    public static int BlockBytes => 18;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Symmetric;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 2;

    /// <inheritdoc/>
    public static int CodeBias => 1;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q2_0*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.SubScale0 = codes.SubScale1 = 1;
        for (int i = 0; i < 32; i++)
        {
            codes.Q[i] = (sbyte)((source->_codes[(8 * piece) + (i >> 2)] >> (2 * (i & 3)) & 3) - 1);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (Q2_0*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        for (int i = 0; i < 64; i++)
        {
            target->_codes[i >> 2] |= (byte)((pieces[i >> 5].Q[i & 31] + 1) << (2 * (i & 3)));
        }
    }
}
