using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as sixteen times 16: 2-bit codes, a mask whose bit set means "do not subtract 4", 6-bit scales with offset 32. Value = w · s · q.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q3_K : IBlockFormat<Q3_K>
{
    private fixed byte _mask[32];
    private fixed byte _codes[64];
    private fixed byte _scales[12];
    private ushort _scale;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q3_K;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 110;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.Super;

    /// <inheritdoc/>
    public static int SubBlockSize => 16;

    /// <inheritdoc/>
    public static int CodeBits => 3;

    /// <inheritdoc/>
    public static int CodeBias => 4;

    /// <inheritdoc/>
    public static (int Least, int Most) SubScales => (-32, 31);

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q3_K*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.SubScale0 = SubScale(source->_scales, 2 * piece);
        codes.SubScale1 = SubScale(source->_scales, 2 * piece + 1);
        byte* column = source->_codes + 32 * (piece >> 2);
        int shift = 2 * (piece & 3);
        for (int i = 0; i < 32; i++)
        {
            int third = source->_mask[i] >> piece & 1;
            codes.Q[i] = (sbyte)((column[i] >> shift & 3 | third << 2) - 4);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (Q3_K*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        for (int piece = 0; piece < 8; piece++)
        {
            var codes = pieces + piece;
            SetSubScale(target->_scales, 2 * piece, codes->SubScale0 + 32);
            SetSubScale(target->_scales, (2 * piece) + 1, codes->SubScale1 + 32);
            byte* column = target->_codes + (32 * (piece >> 2));
            for (int i = 0; i < 32; i++)
            {
                int code = codes->Q[i] + 4;
                column[i] |= (byte)((code & 3) << (2 * (piece & 3)));
                target->_mask[i] |= (byte)(code >> 2 << piece);
            }
        }
    }

    /// <summary>Low four bits: nibbles of bytes 0–7, low halves first; top two bits: pairs of bytes 8–11, four scales per pair.</summary>
    private static int SubScale(byte* packed, int index)
    {
        int low = packed[index & 7] >> (4 * (index >> 3)) & 15;
        int high = packed[8 + (index & 3)] >> (2 * (index >> 2)) & 3;
        return (low | high << 4) - 32;
    }

    private static void SetSubScale(byte* packed, int index, int value)
    {
        packed[index & 7] |= (byte)((value & 15) << (4 * (index >> 3)));
        packed[8 + (index & 3)] |= (byte)(value >> 4 << (2 * (index >> 2)));
    }
}
