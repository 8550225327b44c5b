using LlmServe.Text;

namespace LlmServe.Serving;

/// <summary>A text, tokenized as it is.</summary>
/// <param name="text">The text.</param>
/// <param name="addSpecial">Whether the model's own rules for beginning-of-sequence and end-of-sequence tokens apply.</param>
/// <param name="parseSpecial">Whether control tokens written in the text become their ids.</param>
public sealed class TextPrompt(string text, bool addSpecial = true, bool parseSpecial = true) : PromptSource
{
    /// <summary>The text.</summary>
    public string Text => text;

    /// <summary>The ids. [text worker]</summary>
    internal List<int> Encode(ITokenizer tokenizer, CancellationToken cancellation)
    {
        var ids = new List<int>();
        tokenizer.Encode(text, addSpecial, parseSpecial ? [] : [new TextSpan(0, text.Length)], ids, cancellation);
        return ids;
    }

    /// <inheritdoc/>
    internal override IReadOnlyList<int> Read(ServedModel model, ServingOptions options, int most, CancellationToken cancellation)
    {
        PromptLength.Check(text, model.Engine.Tokenizer, most, Field, cancellation);
        return Encode(model.Engine.Tokenizer, cancellation);
    }
}
