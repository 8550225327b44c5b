namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>
/// EXAONE MoE's rule, whose pieces go on over single spaces between words:
/// <c>C|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+</c>, with C an English contraction in
/// any case.
/// </summary>
internal sealed class ExaoneMoeRule : ScanRule
{
    private const CharClass Known = CharClass.Letter | CharClass.Number | CharClass.Space;

    /// <inheritdoc/>
    public override int Next(ReadOnlySpan<char> text, int start)
    {
        int contraction = Contraction(text, start, anyCase: true);
        if (contraction > 0)
        {
            return start + contraction;
        }

        var first = CharClasses.At(text, start, out int length);
        bool leads = (first & (CharClass.Letter | CharClass.Number)) == 0 && text[start] is not ('\r' or '\n');
        int word = leads ? start + length : start;
        if ((CharClasses.AtOrEnd(text, word, out _) & CharClass.Letter) != 0)
        {
            return WordsEnd(text, word);
        }

        if ((first & CharClass.Number) != 0)
        {
            return start + length;
        }

        int symbols = text[start] == ' ' ? start + 1 : start;
        int end = symbols;
        while (end < text.Length && (CharClasses.At(text, end, out length) & Known) == 0)
        {
            end += length;
        }

        if (end > symbols)
        {
            return end < text.Length && text[end] is '\r' or '\n' or '/' ? end + 1 : end;
        }

        end = CharClasses.RunEnd(text, start, CharClass.Space);
        return WhiteSpace(text, start, end, end == text.Length, untilBreak: true);
    }

    /// <summary>End of words with one space between them; a letter is at the index.</summary>
    private static int WordsEnd(ReadOnlySpan<char> text, int index)
    {
        while (true)
        {
            int letter = index < text.Length && text[index] == ' ' ? index + 1 : index;
            if ((CharClasses.AtOrEnd(text, letter, out int length) & CharClass.Letter) == 0)
            {
                return index;
            }

            index = CharClasses.RunEnd(text, letter + length, CharClass.Mark);
        }
    }
}
