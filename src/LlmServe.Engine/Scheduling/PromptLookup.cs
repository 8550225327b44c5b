namespace LlmServe.Engine.Scheduling;

/// <summary>
/// Guesses the next tokens of a sequence from its own past: where the last few tokens occurred before, what followed them then. Code, quotations and
/// summaries repeat themselves enough for this to pay; a wrong guess costs its rows and nothing else.
/// </summary>
internal static class PromptLookup
{
    private const int LongestMatch = 4;
    private const int ShortestMatch = 2;

    /// <summary>
    /// Writes what followed the most recent earlier occurrence of the longest possible end of <paramref name="tokens"/>; a text that is in the middle of
    /// repeating itself goes on repeating.
    /// </summary>
    /// <param name="tokens">Prompt and answer so far.</param>
    /// <param name="guesses">Where to write; its length is the most that is wanted.</param>
    /// <returns>How many were written: all or none.</returns>
    public static int Guess(ReadOnlySpan<int> tokens, Span<int> guesses)
    {
        for (int length = Math.Min(LongestMatch, tokens.Length - 1); length >= ShortestMatch; length--)
        {
            int at = tokens[..^1].LastIndexOf(tokens[^length..]);
            if (at >= 0)
            {
                for (int i = 0; i < guesses.Length; i++)
                {
                    int source = at + length + i;
                    guesses[i] = source < tokens.Length ? tokens[source] : guesses[source - tokens.Length];
                }

                return guesses.Length;
            }
        }

        return 0;
    }
}
