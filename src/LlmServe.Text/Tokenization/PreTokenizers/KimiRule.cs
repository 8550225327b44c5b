namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>
/// Kimi K2's rule: <c>\p{Han}+|[^\r\n\p{L}\p{N}]?W+C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>, with W a letter that is no
/// Chinese character and C an English contraction in any case.
/// </summary>
internal sealed class KimiRule : ScanRule
{
    private const CharClass Known = CharClass.Letter | CharClass.Number | CharClass.Space;

    /// <inheritdoc/>
    public override int Next(ReadOnlySpan<char> text, int start)
    {
        if (IsHan(text, start))
        {
            return HanEnd(text, start);
        }

        var first = CharClasses.At(text, start, out int length);
        bool leads = (first & (CharClass.Letter | CharClass.Number)) == 0 && text[start] is not ('\r' or '\n');
        int word = leads ? start + length : start;
        int wordEnd = LettersEnd(text, word);
        if (wordEnd > word)
        {
            return wordEnd + Contraction(text, wordEnd, anyCase: true);
        }

        if ((first & CharClass.Number) != 0)
        {
            return NumberEnd(text, start, most: 3);
        }

        int symbols = text[start] == ' ' ? start + 1 : start;
        int end = SymbolsEnd(text, symbols);
        if (end > symbols)
        {
            return BreaksEnd(text, end);
        }

        end = CharClasses.RunEnd(text, start, CharClass.Space);
        return WhiteSpace(text, start, end, end == text.Length, untilBreak: true);
    }

    private static bool IsHan(ReadOnlySpan<char> text, int index) => index < text.Length && CharClasses.PointAt(text, index)
        is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2EBEF)
            or (>= 0x2F800 and <= 0x2FA1F) or (>= 0x30000 and <= 0x323AF);

    private static int HanEnd(ReadOnlySpan<char> text, int index)
    {
        while (IsHan(text, index))
        {
            CharClasses.At(text, index, out int length);
            index += length;
        }

        return index;
    }

    private static int LettersEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length && (CharClasses.At(text, index, out int length) & CharClass.Letter) != 0 && !IsHan(text, index))
        {
            index += length;
        }

        return index;
    }

    private static int SymbolsEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length && (CharClasses.At(text, index, out int length) & Known) == 0)
        {
            index += length;
        }

        return index;
    }
}
