using LlmServe.Text;

namespace LlmServe.Serving;

/// <summary>Refuses texts that are much too long before all of them is tokenized.</summary>
internal static class PromptLength
{
    /// <summary>Throws if a text has surely more tokens than are of use.</summary>
    /// <param name="text">The text.</param>
    /// <param name="tokenizer">Counts.</param>
    /// <param name="most">Most tokens that are of use.</param>
    /// <param name="field">The request's field that it came from.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="RequestException">It has.</exception>
    public static void Check(string text, ITokenizer tokenizer, int most, string field, CancellationToken cancellation)
    {
        if (TokenCount.IsSurelyAbove(tokenizer, text, most, out long count, cancellation))
        {
            throw Failure.TooLong(
                field, count, most, $"the prompt has {text.Length} characters and more than {count} tokens; at most {most} are of use here").ToException();
        }
    }
}
