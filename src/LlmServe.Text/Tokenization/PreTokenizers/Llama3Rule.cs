namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>
/// Llama 3's rule and its relatives,
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// </summary>
/// <param name="digits">Number characters in a piece: 3 for Llama 3, 1 for Qwen 2.</param>
/// <param name="marksAreLetters">Whether combining marks belong to words (Qwen 3.5: <c>[\p{L}\p{M}]+</c>).</param>
/// <param name="symbolsTakeBreaks">Whether line breaks go along with the symbols before them (not with Seed-Coder's).</param>
internal sealed class Llama3Rule(int digits, bool marksAreLetters = false, bool symbolsTakeBreaks = true) : ScanRule
{
    private readonly CharClass _letters = marksAreLetters ? CharClass.Letter | CharClass.Mark : CharClass.Letter;

    /// <inheritdoc/>
    public override int Next(ReadOnlySpan<char> text, int start)
    {
        int contraction = Contraction(text, start, anyCase: true);
        if (contraction > 0)
        {
            return start + contraction;
        }

        var first = CharClasses.At(text, start, out int length);
        if ((first & _letters) != 0)
        {
            return CharClasses.RunEnd(text, start + length, _letters);
        }

        if ((first & CharClass.Number) != 0)
        {
            return NumberEnd(text, start, digits);
        }

        var second = CharClasses.AtOrEnd(text, start + length, out _);
        if ((second & _letters) != 0 && text[start] is not ('\r' or '\n'))
        {
            return CharClasses.RunEnd(text, start + length, _letters);
        }

        bool spaceThenSymbol = text[start] == ' ' && start + 1 < text.Length && IsSymbol(second);
        if (spaceThenSymbol || IsSymbol(first))
        {
            return SymbolsEnd(text, spaceThenSymbol ? start + 1 : start);
        }

        int end = CharClasses.RunEnd(text, start, CharClass.Space);
        return WhiteSpace(text, start, end, end == text.Length, untilBreak: true);
    }

    private bool IsSymbol(CharClass cls) => (cls & (_letters | CharClass.Number | CharClass.Space)) == 0;

    private int SymbolsEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length && IsSymbol(CharClasses.At(text, index, out int length)))
        {
            index += length;
        }

        return symbolsTakeBreaks ? BreaksEnd(text, index) : index;
    }
}
