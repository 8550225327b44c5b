namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>
/// GPT-4o's rule (o200k) and its relatives, which split words where lower case turns into upper case:
/// <c>[^\r\n\p{L}\p{N}]?U*L+C?|[^\r\n\p{L}\p{N}]?U+L*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+</c> with
/// U = <c>[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]</c>, L = <c>[\p{Ll}\p{Lm}\p{Lo}\p{M}]</c> and C an English contraction in any case. As GGUF's tools run it, only
/// ASCII letters have a case: all others are both U and L; and some leave marks out.
/// </summary>
/// <param name="cases">Whether words are split by case at all.</param>
/// <param name="marks">Whether combining marks belong to words.</param>
/// <param name="digits">Number characters in a piece: 3 for GPT-4o, 1 for Tekken.</param>
/// <param name="contractions">Whether words take a contraction along (GPT-4o) or not (Tekken).</param>
internal sealed class O200kRule(bool cases, bool marks, int digits, bool contractions) : ScanRule
{
    private const CharClass Letters = CharClass.Letter | CharClass.Mark;
    private const CharClass Symbols = CharClass.Letter | CharClass.Number | CharClass.Space;

    private readonly CharClass _seen = marks ? (CharClass)0xFF : (CharClass)0xFF & ~CharClass.Mark;

    /// <inheritdoc/>
    public override int Next(ReadOnlySpan<char> text, int start)
    {
        var first = Seen(text, start, out int length);
        int word = WordEnd(text, start, first, length);
        if (word > start)
        {
            return word + (contractions ? Contraction(text, word, anyCase: true) : 0);
        }

        if ((first & CharClass.Number) != 0)
        {
            return NumberEnd(text, start, digits);
        }

        var second = CharClasses.AtOrEnd(text, start + length, out int secondLength);
        bool spaceThenSymbol = text[start] == ' ' && secondLength > 0 && (second & Symbols) == 0;
        if (spaceThenSymbol || (first & Symbols) == 0)
        {
            return SymbolsEnd(text, spaceThenSymbol ? start + 1 : start);
        }

        int end = CharClasses.RunEnd(text, start, CharClass.Space);
        return WhiteSpace(text, start, end, end == text.Length, untilBreak: true);
    }

    /// <summary>End of the word that begins at <paramref name="start"/> (maybe after one other character), or <paramref name="start"/>.</summary>
    private int WordEnd(ReadOnlySpan<char> text, int start, CharClass first, int length)
    {
        bool mayLead = (first & (CharClass.Letter | CharClass.Number)) == 0 && text[start] is not ('\r' or '\n');
        bool isWord = (first & Letters) != 0;
        int after = start + length;
        if (mayLead && EndsInLower(text, after, out int end))
        {
            return end;
        }

        if (isWord && EndsInLower(text, start, out end))
        {
            return end;
        }

        // Only capitals are left, and there L* is empty.
        int capitals = mayLead ? CapitalsEnd(text, after) : after;
        return capitals > after ? capitals : isWord ? CapitalsEnd(text, start) : start;
    }

    /// <summary>U*L+: all capitals, then as much of L as there is; where none follows, U* gives back up to its last character that is also of L.</summary>
    private bool EndsInLower(ReadOnlySpan<char> text, int start, out int end)
    {
        int index = start;
        end = start;
        while (index < text.Length)
        {
            var cls = Seen(text, index, out int length);
            if ((cls & Letters) == 0 || (cls & CharClass.Lower) != 0)
            {
                break;
            }

            index += length;
            end = (cls & CharClass.Upper) == 0 ? index : end;
        }

        if (index < text.Length && (Seen(text, index, out _) & CharClass.Lower) != 0)
        {
            end = LowerEnd(text, index);
        }

        return end > start;
    }

    private int LowerEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length)
        {
            var cls = Seen(text, index, out int length);
            if ((cls & Letters) == 0 || (cls & CharClass.Upper) != 0)
            {
                break;
            }

            index += length;
        }

        return index;
    }

    private int CapitalsEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length && (Seen(text, index, out int length) & CharClass.Upper) != 0)
        {
            index += length;
        }

        return index;
    }

    /// <summary>Class of a character, with the marks and cases that count.</summary>
    private CharClass Seen(ReadOnlySpan<char> text, int index, out int length)
    {
        var cls = CharClasses.At(text, index, out length);
        cls &= _seen;
        return cases && char.IsAscii(text[index]) ? cls : cls & ~(CharClass.Upper | CharClass.Lower);
    }

    private static int SymbolsEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length && (CharClasses.At(text, index, out int length) & Symbols) == 0)
        {
            index += length;
        }

        while (index < text.Length && text[index] is '\r' or '\n' or '/')
        {
            index++;
        }

        return index;
    }
}
