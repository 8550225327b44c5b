using System.Globalization;

namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>What the splitting rules ask about a character; the letters are those of Unicode's general categories.</summary>
[Flags]
internal enum CharClass : byte
{
    /// <summary>None of the others: control, format, private use, unassigned.</summary>
    Other = 0,

    /// <summary>L: any letter. Letters that are neither <see cref="Upper"/> nor <see cref="Lower"/> are Lm or Lo.</summary>
    Letter = 1,

    /// <summary>N: any number.</summary>
    Number = 2,

    /// <summary>P: any punctuation.</summary>
    Punctuation = 4,

    /// <summary>S: any symbol.</summary>
    Symbol = 8,

    /// <summary>M: any combining mark.</summary>
    Mark = 16,

    /// <summary>The property White_Space, which regular expressions call <c>\s</c>.</summary>
    Space = 32,

    /// <summary>Lu and Lt.</summary>
    Upper = 64,

    /// <summary>Ll.</summary>
    Lower = 128,
}

/// <summary>Looks characters up; the Basic Multilingual Plane from a table.</summary>
internal static class CharClasses
{
    private static readonly CharClass[] Table = Build();

    /// <summary>Class of the code point that begins at an index, and its length in UTF-16; an unpaired surrogate counts as U+FFFD, a symbol.</summary>
    public static CharClass At(ReadOnlySpan<char> text, int index, out int length)
    {
        char c = text[index];
        length = 1;
        return char.IsSurrogate(c) ? OfSurrogate(text, index, out length) : Table[c];
    }

    /// <summary>As <see cref="At(ReadOnlySpan{char}, int, out int)"/>; past the end it is <see cref="CharClass.Other"/> with length 0.</summary>
    public static CharClass AtOrEnd(ReadOnlySpan<char> text, int index, out int length)
    {
        length = 0;
        return index < text.Length ? At(text, index, out length) : CharClass.Other;
    }

    /// <summary>The code point that begins at an index; U+FFFD for an unpaired surrogate.</summary>
    public static int PointAt(ReadOnlySpan<char> text, int index)
    {
        char c = text[index];
        if (!char.IsSurrogate(c))
        {
            return c;
        }

        return char.IsHighSurrogate(c) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]) ? char.ConvertToUtf32(c, text[index + 1]) : 0xFFFD;
    }

    /// <summary>Class of a code point.</summary>
    public static CharClass Of(int codePoint) => codePoint < Table.Length ? Table[codePoint] : Compute(codePoint);

    /// <summary>End of the run of characters from <paramref name="index"/> that have any of the classes.</summary>
    public static int RunEnd(ReadOnlySpan<char> text, int index, CharClass any)
    {
        while (index < text.Length && (At(text, index, out int length) & any) != 0)
        {
            index += length;
        }

        return index;
    }

    private static CharClass OfSurrogate(ReadOnlySpan<char> text, int index, out int length)
    {
        if (char.IsHighSurrogate(text[index]) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]))
        {
            length = 2;
            return Compute(char.ConvertToUtf32(text[index], text[index + 1]));
        }

        length = 1;
        return CharClass.Symbol;
    }

    private static CharClass[] Build()
    {
        var table = new CharClass[0x10000];
        for (int c = 0; c < table.Length; c++)
        {
            table[c] = Compute(c) | (char.IsWhiteSpace((char)c) ? CharClass.Space : 0);
        }

        return table;
    }

    private static CharClass Compute(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => CharClass.Letter | CharClass.Upper,
        UnicodeCategory.LowercaseLetter => CharClass.Letter | CharClass.Lower,
        UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharClass.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharClass.Number,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => CharClass.Mark,
        UnicodeCategory.MathSymbol or UnicodeCategory.CurrencySymbol or UnicodeCategory.ModifierSymbol or UnicodeCategory.OtherSymbol => CharClass.Symbol,
        >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation => CharClass.Punctuation,
        _ => CharClass.Other,
    };
}
