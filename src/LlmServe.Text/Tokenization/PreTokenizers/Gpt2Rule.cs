namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>
/// GPT-2's rule, <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>, alone or after rules that first set some
/// characters apart. What is set apart ends the rule's view: white space before it is white space at the end of a text.
/// </summary>
internal sealed class Gpt2Rule(Gpt2Rule.Variant variant) : ScanRule
{
    private const CharClass Word = CharClass.Letter | CharClass.Number | CharClass.Space;

    /// <summary>What is set apart before GPT-2's rule.</summary>
    internal enum Variant
    {
        /// <summary>Nothing.</summary>
        Plain,

        /// <summary>Every number character, alone (<c>\p{N}</c>): StarCoder, SmolLM, Command R.</summary>
        SingleDigits,

        /// <summary>Runs of <c>[\p{P}$+&lt;=&gt;^~|`]</c>; afterwards three ASCII digits at a time (<c>[0-9][0-9][0-9]</c>): Falcon.</summary>
        Falcon,

        /// <summary>As Falcon without the back quote, and numbers never keep the space before them: what files name <c>default</c>.</summary>
        Default,
    }

    /// <inheritdoc/>
    public override int Next(ReadOnlySpan<char> text, int start)
    {
        var first = CharClasses.At(text, start, out int length);
        if (SetApart(text[start], first))
        {
            return variant == Variant.SingleDigits ? start + length : SetApartEnd(text, start);
        }

        int contraction = Contraction(text, start, anyCase: false);
        if (contraction > 0)
        {
            return start + contraction;
        }

        int body = start;
        if (text[start] == ' ' && start + 1 < text.Length)
        {
            var second = CharClasses.At(text, start + 1, out _);
            if ((second & CharClass.Space) == 0 && !SetApart(text[start + 1], second))
            {
                body = start + 1;
                first = second;
            }
        }

        return (first & Word) switch
        {
            CharClass.Letter => CharClasses.RunEnd(text, body, CharClass.Letter),
            CharClass.Number => NumbersEnd(text, start, body),
            CharClass.Space => SpaceEnd(text, start),
            _ => SymbolsEnd(text, body),
        };
    }

    private bool SetApart(char c, CharClass cls) => variant switch
    {
        Variant.Plain => false,
        Variant.SingleDigits => (cls & CharClass.Number) != 0,
        _ => (cls & CharClass.Punctuation) != 0 || c is '$' or '+' or '<' or '=' or '>' or '^' or '~' or '|' || (c == '`' && variant == Variant.Falcon),
    };

    private int SetApartEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length && SetApart(text[index], CharClasses.At(text, index, out int length)))
        {
            index += length;
        }

        return index;
    }

    private int SymbolsEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length)
        {
            var cls = CharClasses.At(text, index, out int length);
            if ((cls & Word) != 0 || SetApart(text[index], cls))
            {
                break;
            }

            index += length;
        }

        return index;
    }

    private int SpaceEnd(ReadOnlySpan<char> text, int start)
    {
        int end = CharClasses.RunEnd(text, start, CharClass.Space);
        bool atEnd = end == text.Length || SetApart(text[end], CharClasses.At(text, end, out _));
        return WhiteSpace(text, start, end, atEnd, untilBreak: false);
    }

    /// <summary>A run of numbers; Falcon's rules cut it again before and after each group of three ASCII digits.</summary>
    private int NumbersEnd(ReadOnlySpan<char> text, int start, int body)
    {
        if (variant == Variant.Plain)
        {
            return CharClasses.RunEnd(text, body, CharClass.Number);
        }

        if (variant == Variant.Default && body > start)
        {
            return body;
        }

        int digits = 0;
        int index = body;
        while (index < text.Length && (CharClasses.At(text, index, out int length) & CharClass.Number) != 0)
        {
            digits = char.IsAsciiDigit(text[index]) ? digits + 1 : 0;
            index += length;
            if (digits == 3)
            {
                return index - 3 == start ? index : index - 3;
            }
        }

        return index;
    }
}
