using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>256 ternary weights: two bits each, less 1, and one binary16 scale. Value = w · q; the code 3, which no encoder writes, stands for +2.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct TQ2_0 : IBlockFormat<TQ2_0>
{
    private fixed byte _codes[64];
    private ushort _scale;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.TQ2_0;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 66;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Symmetric;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 2;

    /// <inheritdoc/>
    public static int CodeBias => 1;

    /// <inheritdoc/>
    public static (int Least, int Most) Codes => (-1, 1);

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (TQ2_0*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.SubScale0 = codes.SubScale1 = 1;

        // A column of 32 bytes holds four pieces, two bits each.
        byte* column = source->_codes + (32 * (piece >> 2));
        int shift = 2 * (piece & 3);
        for (int i = 0; i < 32; i++)
        {
            codes.Q[i] = (sbyte)((column[i] >> shift & 3) - 1);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (TQ2_0*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        for (int piece = 0; piece < 8; piece++)
        {
            byte* column = target->_codes + (32 * (piece >> 2));
            for (int i = 0; i < 32; i++)
            {
                column[i] |= (byte)((pieces[piece].Q[i] + 1) << (2 * (piece & 3)));
            }
        }
    }
}
