namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>A rule of one expression, which goes through the text once.</summary>
internal abstract class ScanRule : PreTokenizer
{
    /// <inheritdoc/>
    public sealed override void Cut(ReadOnlySpan<char> text, List<int> ends, List<int> scratch)
    {
        for (int at = 0; at < text.Length;)
        {
            at = Next(text, at);
            ends.Add(at);
        }
    }

    /// <summary>Where the piece that begins at <paramref name="start"/> ends.</summary>
    /// <param name="text">The whole text between two special tokens, or what earlier stages left of it as one segment.</param>
    /// <param name="start">The end of the piece before, or 0; less than the text's length.</param>
    public abstract int Next(ReadOnlySpan<char> text, int start);

    /// <summary>
    /// Length of an English contraction (<c>'s 't 'm 'd 're 've 'll</c>) at an apostrophe, or 0.
    /// </summary>
    protected static int Contraction(ReadOnlySpan<char> text, int start, bool anyCase)
    {
        if (start + 1 >= text.Length || text[start] != '\'')
        {
            return 0;
        }

        int lower = anyCase ? 0x20 : 0;
        char first = Fold(text[start + 1], lower);
        if (first is 's' or 't' or 'm' or 'd')
        {
            return 2;
        }

        char second = start + 2 < text.Length ? Fold(text[start + 2], lower) : '\0';
        return (first, second) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }

    /// <summary>
    /// End of a run of white space by the usual last rules: up to and including its last line break where <paramref name="untilBreak"/> says so,
    /// else all of it where the text (or segment) ends there, else all but its last character, which belongs to what follows.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="start">Index of a white-space character.</param>
    /// <param name="runEnd">End of the run of white space.</param>
    /// <param name="atEnd">Whether nothing follows the run, as far as the rule can see.</param>
    /// <param name="untilBreak">Whether line breaks end a piece.</param>
    protected static int WhiteSpace(ReadOnlySpan<char> text, int start, int runEnd, bool atEnd, bool untilBreak)
    {
        int lastBreak = untilBreak ? text[start..runEnd].LastIndexOfAny('\r', '\n') : -1;
        if (lastBreak >= 0)
        {
            return start + lastBreak + 1;
        }

        return atEnd || runEnd == start + 1 ? runEnd : runEnd - 1;
    }

    /// <summary>End of a run of at most so many number characters.</summary>
    public static int NumberEnd(ReadOnlySpan<char> text, int index, int most)
    {
        for (int i = 0; i < most && (CharClasses.AtOrEnd(text, index, out int length) & CharClass.Number) != 0; i++)
        {
            index += length;
        }

        return index;
    }

    /// <summary>End of a run of line breaks.</summary>
    protected static int BreaksEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length && text[index] is '\r' or '\n')
        {
            index++;
        }

        return index;
    }

    private static char Fold(char c, int lower) => char.IsAsciiLetter(c) ? (char)(c | lower) : c;
}
