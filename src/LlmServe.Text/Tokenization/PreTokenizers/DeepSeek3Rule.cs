namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>
/// The last of DeepSeek V3's stages, which others share:
/// <c>[!-/:-@[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// </summary>
/// <param name="singles">Whether numbers and line breaks are each a piece alone, and signs take no breaks along (Spark 2.5: <c>\p{N}|[\r\n]</c>).</param>
internal sealed class DeepSeek3Rule(bool singles = false) : ScanRule
{
    private const CharClass Letters = CharClass.Letter | CharClass.Mark;
    private const CharClass Signs = CharClass.Punctuation | CharClass.Symbol;

    /// <inheritdoc/>
    public override int Next(ReadOnlySpan<char> text, int start)
    {
        var first = CharClasses.At(text, start, out int length);
        int next = start + length;
        if (singles && ((first & CharClass.Number) != 0 || text[start] is '\r' or '\n'))
        {
            return next;
        }

        if (char.IsAscii(text[start]) && (first & Signs) != 0 && next < text.Length && char.IsAsciiLetter(text[next]))
        {
            return AsciiLettersEnd(text, next);
        }

        // A letter or mark starts a word; so does any other character but a line break or a sign, with the word after it.
        if (StartsWord(text, start))
        {
            return CharClasses.RunEnd(text, next, Letters);
        }

        bool spaceThenSign = text[start] == ' ' && (CharClasses.AtOrEnd(text, next, out _) & Signs) != 0;
        if (spaceThenSign || (first & Signs) != 0)
        {
            return SignsEnd(text, spaceThenSign ? next : start);
        }

        if ((first & CharClass.Space) != 0)
        {
            int end = CharClasses.RunEnd(text, start, CharClass.Space);
            return WhiteSpace(text, start, end, end == text.Length, untilBreak: !singles);
        }

        return GapEnd(text, next);
    }

    private bool StartsWord(ReadOnlySpan<char> text, int index)
    {
        var cls = CharClasses.At(text, index, out int length);
        bool leads = (cls & Signs) == 0 && text[index] is not ('\r' or '\n') && !(singles && (cls & CharClass.Number) != 0);
        return (cls & Letters) != 0 || (leads && (CharClasses.AtOrEnd(text, index + length, out _) & Letters) != 0);
    }

    private static int AsciiLettersEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length && char.IsAsciiLetter(text[index]))
        {
            index++;
        }

        return index;
    }

    private int SignsEnd(ReadOnlySpan<char> text, int index)
    {
        index = CharClasses.RunEnd(text, index, Signs);
        while (!singles && index < text.Length && text[index] is '\r' or '\n')
        {
            index++;
        }

        return index;
    }

    /// <summary>Control and unassigned characters match nothing, and where numbers are set apart neither do they; they stay together until something matches.</summary>
    private int GapEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length && !StartsWord(text, index))
        {
            var cls = CharClasses.At(text, index, out int length);
            if ((cls & (Signs | CharClass.Space)) != 0 || (singles && (cls & CharClass.Number) != 0))
            {
                break;
            }

            index += length;
        }

        return index;
    }
}
