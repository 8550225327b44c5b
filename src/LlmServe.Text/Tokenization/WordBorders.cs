namespace LlmServe.Text.Tokenization;

/// <summary>
/// Finds places in escaped text that no merge can cross, so that a line is merged word by word, with the same result and in less time: in front of
/// a run of escaped spaces, unless some token has a space behind the byte that stands there.
/// </summary>
internal sealed class WordBorders
{
    private readonly bool[] _joined = new bool[256]; // bytes that stand in front of a run of spaces within some token

    /// <param name="vocabulary">All tokens that merges can result in.</param>
    public WordBorders(Vocabulary vocabulary)
    {
        for (int id = 0; id < vocabulary.Count; id++)
        {
            var piece = vocabulary.PieceBytes(id);
            for (int at = NextRun(piece, 0); at < piece.Length; at = NextRun(piece, at))
            {
                _joined[piece[at - 1]] = true;
            }
        }
    }

    /// <summary>The first border behind <paramref name="start"/>, or the text's end.</summary>
    public int Next(ReadOnlySpan<byte> text, int start)
    {
        int at = NextRun(text, start);
        while (at < text.Length && _joined[text[at - 1]])
        {
            at = NextRun(text, at);
        }

        return at;
    }

    /// <summary>Where the next run of escaped spaces begins behind the one that may be at <paramref name="start"/>; the length where there is none.</summary>
    private static int NextRun(ReadOnlySpan<byte> text, int start)
    {
        while (text[start..].StartsWith(EscapedText.Space))
        {
            start += EscapedText.Space.Length;
        }

        int next = text[start..].IndexOf(EscapedText.Space);
        return next < 0 ? text.Length : start + next;
    }
}
