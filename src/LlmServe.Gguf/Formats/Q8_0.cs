using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>32 weights: a binary16 scale and 32 signed bytes. Value = w · q.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q8_0 : IBlockFormat<Q8_0>
{
    private ushort _scale;
    private fixed sbyte _codes[32];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q8_0;

    /// <inheritdoc/>
    public static int BlockSize => 32;

    /// <inheritdoc/>
    public static int BlockBytes => 34;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Symmetric;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 8;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q8_0*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.SubScale0 = codes.SubScale1 = 1;
        for (int i = 0; i < 32; i++)
        {
            codes.Q[i] = source->_codes[i];
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (Q8_0*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        for (int i = 0; i < 32; i++)
        {
            target->_codes[i] = pieces->Q[i];
        }
    }
}
