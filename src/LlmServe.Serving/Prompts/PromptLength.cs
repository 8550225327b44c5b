using LlmServe.Text;

namespace LlmServe.Serving;

/// <summary>Refuses texts that are much too long before all of them is tokenized.</summary>
internal static class PromptLength
{
    /// <summary>Texts of at most this many characters for each token that is of use are tokenized without a look.</summary>
    private const int CharactersPerToken = 8;

    /// <summary>Characters that are looked at in one go.</summary>
    private const int Piece = 16 << 10;

    /// <summary>Throws if a text has surely more tokens than are of use. It is counted in pieces, each of which its cuts may make a few tokens longer.</summary>
    /// <param name="text">The text.</param>
    /// <param name="tokenizer">Counts.</param>
    /// <param name="most">Most tokens that are of use.</param>
    /// <param name="field">The request's field that it came from.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="RequestException">It has.</exception>
    public static void Check(string text, ITokenizer tokenizer, int most, string field, CancellationToken cancellation)
    {
        if (text.Length <= (long)most * CharactersPerToken)
        {
            return;
        }

        long surely = most + (most >> 3) + 64;
        var ids = new List<int>();
        long count = 0;
        for (int start = 0; start < text.Length; start += Piece)
        {
            ids.Clear();
            int length = Math.Min(Piece, text.Length - start);
            tokenizer.Encode(text.Substring(start, length), addSpecial: false, [new TextSpan(0, length)], ids, cancellation);
            count += ids.Count;
            if (count > surely)
            {
                throw Failure.TooLong(
                    field, count, most, $"the prompt has {text.Length} characters and more than {count} tokens; at most {most} are of use here").ToException();
            }
        }
    }
}
