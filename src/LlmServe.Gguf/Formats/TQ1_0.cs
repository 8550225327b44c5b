using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>256 ternary weights: five base-3 digits a byte (four in the last four bytes) and one binary16 scale. Value = w · q.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct TQ1_0 : IBlockFormat<TQ1_0>
{
    private fixed byte _codes[52];
    private ushort _scale;

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.TQ1_0;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 54;

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
        var source = (TQ1_0*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.SubScale0 = codes.SubScale1 = 1;
        for (int i = 0; i < 32; i++)
        {
            var (at, digit) = Place((32 * piece) + i);
            codes.Q[i] = (sbyte)(Digit(source->_codes[at], digit) - 1);
        }
    }

    /// <inheritdoc/>
    public static void Pack(Codes32* pieces, byte* block)
    {
        var target = (TQ1_0*)block;
        *target = default;
        target->_scale = BlockBits.Narrow(pieces->Scale);
        int* sums = stackalloc int[52];
        new Span<int>(sums, 52).Clear();
        for (int i = 0; i < 256; i++)
        {
            var (at, digit) = Place(i);
            sums[at] += (pieces[i >> 5].Q[i & 31] + 1) * PowerOfThree(4 - digit);
        }

        for (int i = 0; i < 52; i++)
        {
            target->_codes[i] = (byte)(((256 * sums[i]) + 242) / 243);
        }
    }

    /// <summary>The byte that holds a weight, and which of its digits.</summary>
    private static (int Byte, int Digit) Place(int weight) => weight switch
    {
        < 160 => (weight % 32, weight / 32),
        < 240 => (32 + (weight % 16), (weight - 160) / 16),
        _ => (48 + (weight % 4), (weight - 240) / 4),
    };

    /// <summary>A byte is a fraction of 256 in base 3: a digit is moved to the front by powers of 3, and what stands before it drops out.</summary>
    private static int Digit(int code, int digit)
    {
        for (int i = 0; i < digit; i++)
        {
            code = code * 3 & 255;
        }

        return code * 3 >> 8;
    }

    private static int PowerOfThree(int exponent) => exponent switch { 0 => 1, 1 => 3, 2 => 9, 3 => 27, _ => 81 };
}
