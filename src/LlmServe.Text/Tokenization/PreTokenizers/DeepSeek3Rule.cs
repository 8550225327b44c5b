namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>
/// DeepSeek V3's three rules, each applied to what the ones before left whole: <c>\p{N}{1,3}</c>, <c>[一-龥぀-ゟ゠-ヿ]+</c>, and
/// <c>[!-/:-@[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal sealed class DeepSeek3Rule : PreTokenizer
{
    private const CharClass Letters = CharClass.Letter | CharClass.Mark;
    private const CharClass Signs = CharClass.Punctuation | CharClass.Symbol;

    /// <inheritdoc/>
    public override int Next(ReadOnlySpan<char> text, int start)
    {
        var first = CharClasses.At(text, start, out int length);
        if ((first & CharClass.Number) != 0)
        {
            return NumberEnd(text, start);
        }

        bool east = IsEastAsian(text[start]);
        int next = start + length;
        if (char.IsAscii(text[start]) && (first & Signs) != 0 && next < text.Length && char.IsAsciiLetter(text[next]))
        {
            return AsciiLettersEnd(text, next);
        }

        // A letter or mark starts a word; so does any other character but a line break or a sign, with the word after it.
        if (StartsWord(text, start))
        {
            return RunEnd(text, next, Letters, east);
        }

        bool spaceThenSign = text[start] == ' ' && (SeenAt(text, next, east) & Signs) != 0;
        if (spaceThenSign || (first & Signs) != 0)
        {
            return SignsEnd(text, spaceThenSign ? next : start, east);
        }

        if ((first & CharClass.Space) != 0)
        {
            int end = CharClasses.RunEnd(text, start, CharClass.Space);
            bool atEnd = end == text.Length || (CharClasses.At(text, end, out _) & CharClass.Number) != 0 || IsEastAsian(text[end]);
            return WhiteSpace(text, start, end, atEnd, untilBreak: true);
        }

        return GapEnd(text, next, east);
    }

    private static bool IsEastAsian(char c) => c is (>= '\u4E00' and <= '\u9FA5') or (>= '\u3040' and <= '\u30FF');

    /// <summary>Class of a character as the third rule sees it from a segment: what lies in another segment is not there.</summary>
    private static CharClass SeenAt(ReadOnlySpan<char> text, int index, bool east)
    {
        var cls = CharClasses.AtOrEnd(text, index, out int length);
        return length == 0 || IsEastAsian(text[index]) != east ? CharClass.Other : cls & ~CharClass.Number;
    }

    private static bool StartsWord(ReadOnlySpan<char> text, int index)
    {
        var cls = CharClasses.At(text, index, out int length);
        return (cls & Letters) != 0
            || ((cls & Signs) == 0 && text[index] is not ('\r' or '\n') && (SeenAt(text, index + length, IsEastAsian(text[index])) & Letters) != 0);
    }

    private static int RunEnd(ReadOnlySpan<char> text, int index, CharClass any, bool east)
    {
        while (index < text.Length && (CharClasses.At(text, index, out int length) & any) != 0 && IsEastAsian(text[index]) == east)
        {
            index += length;
        }

        return index;
    }

    private static int NumberEnd(ReadOnlySpan<char> text, int index)
    {
        for (int i = 0; i < 3 && (CharClasses.AtOrEnd(text, index, out int length) & CharClass.Number) != 0; i++)
        {
            index += length;
        }

        return index;
    }

    private static int AsciiLettersEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length && char.IsAsciiLetter(text[index]))
        {
            index++;
        }

        return index;
    }

    private static int SignsEnd(ReadOnlySpan<char> text, int index, bool east)
    {
        index = RunEnd(text, index, Signs, east);
        while (!east && index < text.Length && text[index] is '\r' or '\n')
        {
            index++;
        }

        return index;
    }

    /// <summary>Control and unassigned characters match nothing; they stay together until something matches.</summary>
    private static int GapEnd(ReadOnlySpan<char> text, int index, bool east)
    {
        while (index < text.Length && CharClasses.At(text, index, out int length) == CharClass.Other && IsEastAsian(text[index]) == east
            && !StartsWord(text, index))
        {
            index += length;
        }

        return index;
    }
}
