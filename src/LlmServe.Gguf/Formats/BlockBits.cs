using System.Runtime.CompilerServices;

namespace LlmServe.Gguf.Formats;

/// <summary>Bit pieces that several block formats share.</summary>
internal static unsafe class BlockBits
{
    /// <summary>The sixteen integers that 4-bit codes of IQ4_NL and IQ4_XS stand for (GGML's non-linear 4-bit table).</summary>
    public static ReadOnlySpan<sbyte> Iq4Values => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>Twice the sixteen numbers that 4-bit floating point (e2m1: 0, ½, 1, 1½, 2, 3, 4, 6) stands for; code 8 is +0.</summary>
    public static ReadOnlySpan<sbyte> Fp4Values => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    /// <summary>Widens a binary16 bit pattern; exact for every finite value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Widen(ushort half) => (float)BitConverter.UInt16BitsToHalf(half);

    /// <summary>The binary16 bit pattern of a number that has one.</summary>
    public static ushort Narrow(float value) => BitConverter.HalfToUInt16Bits((Half)value);

    /// <summary>Packs codes as <see cref="SplitNibbles"/> reads them; bits above the fourth are left out.</summary>
    public static void JoinNibbles(sbyte* codes, int offset, byte* nibbles)
    {
        for (int i = 0; i < 16; i++)
        {
            nibbles[i] = (byte)((codes[i] + offset & 15) | (codes[i + 16] + offset) << 4);
        }
    }

    /// <summary>Collects bit 4 of 32 codes, the first in the lowest bit.</summary>
    public static uint FifthBits(sbyte* codes, int offset)
    {
        uint bits = 0;
        for (int i = 0; i < 32; i++)
        {
            bits |= (uint)(codes[i] + offset >> 4 & 1) << i;
        }

        return bits;
    }

    /// <summary>Packs codes as <see cref="SplitTable"/> reads them.</summary>
    public static void JoinTable(sbyte* codes, ReadOnlySpan<sbyte> table, int count, byte* nibbles)
    {
        for (int i = 0; i < count; i++)
        {
            nibbles[i] = (byte)(table.IndexOf(codes[i]) | table.IndexOf(codes[count + i]) << 4);
        }
    }

    /// <summary>Nibbles of 16 bytes: low ones become weights 0…15, high ones 16…31, each less <paramref name="offset"/>.</summary>
    public static void SplitNibbles(byte* nibbles, int offset, ref Codes32 codes)
    {
        for (int i = 0; i < 16; i++)
        {
            codes.Q[i] = (sbyte)((nibbles[i] & 15) - offset);
            codes.Q[i + 16] = (sbyte)((nibbles[i] >> 4) - offset);
        }
    }

    /// <summary>As <see cref="SplitNibbles"/> with bit i of <paramref name="fifth"/> as the top bit of weight i.</summary>
    public static void SplitNibblesWithFifth(byte* nibbles, uint fifth, int offset, ref Codes32 codes)
    {
        for (int i = 0; i < 16; i++)
        {
            codes.Q[i] = (sbyte)(((nibbles[i] & 15) | (int)((fifth >> i) & 1) << 4) - offset);
            codes.Q[i + 16] = (sbyte)(((nibbles[i] >> 4) | (int)((fifth >> (i + 16)) & 1) << 4) - offset);
        }
    }

    /// <summary>Nibbles of <paramref name="count"/> bytes looked up in a table: the low ones from weight <paramref name="first"/> on, then the high ones.</summary>
    public static void SplitTable(byte* nibbles, ReadOnlySpan<sbyte> table, int count, ref Codes32 codes, int first)
    {
        for (int i = 0; i < count; i++)
        {
            codes.Q[first + i] = table[nibbles[i] & 15];
            codes.Q[first + count + i] = table[nibbles[i] >> 4];
        }
    }

    /// <summary>Magnitudes, negative where a bit is set, from weight <paramref name="first"/> on.</summary>
    public static void SetSigned(ReadOnlySpan<sbyte> magnitudes, int signs, ref Codes32 codes, int first)
    {
        for (int i = 0; i < magnitudes.Length; i++)
        {
            codes.Q[first + i] = (sbyte)((signs >> i & 1) != 0 ? -magnitudes[i] : magnitudes[i]);
        }
    }

    /// <summary>Eight times the codes, plus a shift, from weight <paramref name="first"/> on.</summary>
    public static void SetShifted(ReadOnlySpan<sbyte> ternary, int shift, ref Codes32 codes, int first)
    {
        for (int i = 0; i < ternary.Length; i++)
        {
            codes.Q[first + i] = (sbyte)((8 * ternary[i]) + shift);
        }
    }

    /// <summary>Sub-block scales 2s + 1, s being the low nibble for the first 16 weights and the high one for the others.</summary>
    public static void SetOddScales(byte nibbles, ref Codes32 codes)
    {
        codes.SubScale0 = (2 * (nibbles & 15)) + 1;
        codes.SubScale1 = (2 * (nibbles >> 4)) + 1;
    }

    /// <summary>The byte that <see cref="SetOddScales"/> reads.</summary>
    public static byte OddScales(in Codes32 codes) => (byte)(codes.SubScale0 >> 1 | codes.SubScale1 >> 1 << 4);

    /// <summary>Writes what <see cref="Word"/> reads.</summary>
    public static void SetWord(byte* bytes, uint word)
    {
        for (int i = 0; i < 4; i++)
        {
            bytes[i] = (byte)(word >> (8 * i));
        }
    }

    /// <summary>Four bytes as a number, the lowest first.</summary>
    public static uint Word(byte* bytes) => (uint)(bytes[0] | bytes[1] << 8 | bytes[2] << 16 | bytes[3] << 24);

    /// <summary>
    /// Scale and minimum number <paramref name="index"/> (0…7), 6 bits each, of the 12 bytes in Q4_K and Q5_K: bytes 0–3 and 4–7 hold the low six
    /// bits of scales and minimums 0–3, bytes 8–11 the low nibbles of 4–7, whose top two bits sit in the top of bytes 0–7.
    /// </summary>
    public static (int Scale, int Minimum) SixBitPair(byte* packed, int index)
    {
        if (index < 4)
        {
            return (packed[index] & 63, packed[index + 4] & 63);
        }

        int low = packed[index + 4];
        return ((low & 15) | packed[index - 4] >> 6 << 4, low >> 4 | packed[index] >> 6 << 4);
    }

    /// <summary>Packs eight scales and eight minimums of 0…63 as <see cref="SixBitPair"/> reads them.</summary>
    public static void JoinSixBitPairs(byte* scales, byte* minimums, byte* packed)
    {
        for (int i = 0; i < 4; i++)
        {
            packed[i] = (byte)(scales[i] | scales[i + 4] >> 4 << 6);
            packed[i + 4] = (byte)(minimums[i] | minimums[i + 4] >> 4 << 6);
            packed[i + 8] = (byte)((scales[i + 4] & 15) | minimums[i + 4] << 4);
        }
    }
}
