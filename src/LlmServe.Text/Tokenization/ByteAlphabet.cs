namespace LlmServe.Text.Tokenization;

/// <summary>
/// The printable alphabet in which byte-level vocabularies are written (GPT-2's): each of the 256 bytes is one character. Bytes that Latin-1 prints
/// stand for themselves; the other 68 are U+0100, U+0101, … in order.
/// </summary>
internal static class ByteAlphabet
{
    private const int FirstSubstitute = 0x100;

    private static readonly short[] Bytes = Build();

    /// <summary>The byte that a character stands for, or −1 where it is not of the alphabet.</summary>
    public static int ByteOf(int codePoint) => (uint)codePoint < (uint)Bytes.Length ? Bytes[codePoint] : -1;

    private static short[] Build()
    {
        var bytes = new short[FirstSubstitute + 68];
        Array.Fill(bytes, (short)-1);
        int substitute = FirstSubstitute;
        for (int value = 0; value < 256; value++)
        {
            bool prints = value is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            bytes[prints ? value : substitute++] = (short)value;
        }

        return bytes;
    }
}
