namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>
/// DeepSeek Coder's five rules, each applied to what the ones before left whole: <c>[\r\n]</c>, <c>\s?\p{L}+</c>, <c>\s?\p{P}+</c>,
/// <c>[一-龥ࠀ-一가-퟿]+</c>, <c>\p{N}</c>. In the fourth, white space does not count.
/// </summary>
internal sealed class DeepSeekCoderRule : ScanRule
{
    private const CharClass Core = CharClass.Letter | CharClass.Punctuation;

    /// <inheritdoc/>
    public override int Next(ReadOnlySpan<char> text, int start)
    {
        var first = CharClasses.At(text, start, out int length);
        if (text[start] is '\r' or '\n' || (first & CharClass.Number) != 0)
        {
            return start + length;
        }

        var core = first & Core;
        if (core != 0)
        {
            return RunEnd(text, start, core, IsEastern(text[start], first));
        }

        int next = start + length;
        core = CharClasses.AtOrEnd(text, next, out _) & Core;
        if ((first & CharClass.Space) != 0 && core != 0)
        {
            // The fourth rule cuts between the space and an Eastern letter.
            return IsEastern(text[next], core) ? next : RunEnd(text, next, core, eastern: false);
        }

        return GapEnd(text, next, IsEastern(text[start], first));
    }

    private static bool IsEastern(char c, CharClass cls) =>
        (c is (>= '\u0800' and <= '\u9FA5') or (>= '\uAC00' and <= '\uD7FF')) && (cls & CharClass.Space) == 0;

    private static int RunEnd(ReadOnlySpan<char> text, int index, CharClass core, bool eastern)
    {
        while (index < text.Length)
        {
            var cls = CharClasses.At(text, index, out int length);
            if ((cls & core) == 0 || IsEastern(text[index], cls) != eastern)
            {
                break;
            }

            index += length;
        }

        return index;
    }

    /// <summary>End of what no letter or punctuation rule takes: up to the next match of any rule.</summary>
    private static int GapEnd(ReadOnlySpan<char> text, int index, bool eastern)
    {
        while (index < text.Length)
        {
            var cls = CharClasses.At(text, index, out int length);
            bool matched = (cls & (Core | CharClass.Number)) != 0 || text[index] is '\r' or '\n' || IsEastern(text[index], cls) != eastern;
            if (matched || ((cls & CharClass.Space) != 0 && (CharClasses.AtOrEnd(text, index + length, out _) & Core) != 0))
            {
                break;
            }

            index += length;
        }

        return index;
    }
}
