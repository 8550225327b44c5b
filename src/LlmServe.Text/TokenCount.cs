namespace LlmServe.Text;

/// <summary>Finds texts that are much too long before all of them is tokenized.</summary>
public static class TokenCount
{
    /// <summary>Texts of at most this many characters for each token that is of use are tokenized without a look.</summary>
    private const int CharactersPerToken = 8;

    /// <summary>Characters that are looked at in one go.</summary>
    private const int Piece = 16 << 10;

    /// <summary>Whether a text has surely more tokens than are of use. It is counted in pieces, each of which its cuts may make a few tokens longer.</summary>
    /// <param name="tokenizer">Counts.</param>
    /// <param name="text">The text.</param>
    /// <param name="most">Most tokens that are of use.</param>
    /// <param name="counted">Tokens that were counted before it was sure; 0 where it is not.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static bool IsSurelyAbove(ITokenizer tokenizer, string text, int most, out long counted, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(text);
        counted = 0;
        if (text.Length <= (long)most * CharactersPerToken)
        {
            return false;
        }

        long surely = most + (most >> 3) + 64;
        var ids = new List<int>();
        for (int start = 0; start < text.Length; start += Piece)
        {
            ids.Clear();
            int length = Math.Min(Piece, text.Length - start);
            tokenizer.Encode(text.Substring(start, length), addSpecial: false, [new TextSpan(0, length)], ids, cancellation);
            counted += ids.Count;
            if (counted > surely)
            {
                return true;
            }
        }

        counted = 0;
        return false;
    }
}
