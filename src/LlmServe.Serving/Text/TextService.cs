using LlmServe.Text;

namespace LlmServe.Serving;

/// <summary>Texts to token ids and back, on the text workers.</summary>
public sealed class TextService
{
    private readonly TextWorkers _workers;

    internal TextService(TextWorkers workers) => _workers = workers;

    /// <summary>Runs work on a client's text, such as reading a long request, on the text workers.</summary>
    /// <returns>Null: the call was given up, or there is no room, as its outcome says.</returns>
    public ValueTask<TResult?> WorkAsync<TResult>(ServedCall call, Func<TResult> work) where TResult : class => _workers.RunAsync(call, _ => work());

    /// <summary>Turns text into ids, as a generation from it would.</summary>
    /// <param name="call">The call.</param>
    /// <param name="model">Whose tokens.</param>
    /// <param name="text">The text.</param>
    /// <returns>Null: the call was given up, or there is no room, as its outcome says.</returns>
    public ValueTask<List<int>?> TokenizeAsync(ServedCall call, ServedModel model, TextPrompt text)
    {
        call.Model = model.Id;
        return _workers.RunAsync(call, cancellation => text.Encode(model.Engine.Tokenizer, cancellation));
    }

    /// <summary>Turns ids into text. Bytes that are no valid UTF-8 become U+FFFD.</summary>
    /// <param name="call">The call.</param>
    /// <param name="model">Whose tokens.</param>
    /// <param name="ids">The ids.</param>
    /// <param name="field">Where the request has them, for messages.</param>
    /// <param name="specialTokens">Whether control tokens are shown.</param>
    /// <returns>Null: the call was given up, or there is no room, as its outcome says.</returns>
    /// <exception cref="RequestException">An id is outside the vocabulary.</exception>
    public ValueTask<string?> DetokenizeAsync(ServedCall call, ServedModel model, IReadOnlyList<int> ids, string field, bool specialTokens)
    {
        call.Model = model.Id;
        var tokenizer = model.Engine.Tokenizer;
        for (int i = 0; i < ids.Count; i++)
        {
            if (ids[i] < 0 || ids[i] >= tokenizer.VocabularySize)
            {
                throw Failure.Invalid($"{field}[{i}]", $"is {ids[i]}; the model's ids are 0 … {tokenizer.VocabularySize - 1}").ToException();
            }
        }

        return _workers.RunAsync(call, _ => tokenizer.Decode([.. ids], specialTokens));
    }
}
