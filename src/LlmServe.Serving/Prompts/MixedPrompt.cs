
namespace LlmServe.Serving;

/// <summary>Texts and token ids in a row. The model's own rules for beginning-of-sequence tokens apply to a text that comes first.</summary>
/// <param name="parts">Each a <see cref="string"/> or an <see cref="int"/>.</param>
public sealed class MixedPrompt(IReadOnlyList<object> parts) : PromptSource
{
    /// <inheritdoc/>
    internal override IReadOnlyList<int> Read(ServedModel model, ServingOptions options, int most, CancellationToken cancellation)
    {
        var tokenizer = model.Engine.Tokenizer;
        var ids = new List<int>();
        foreach (object part in parts)
        {
            if (part is int id)
            {
                ids.Add(id);
                continue;
            }

            string text = (string)part;
            PromptLength.Check(text, tokenizer, most, Field, cancellation);
            tokenizer.Encode(text, addSpecial: ids.Count == 0, [], ids, cancellation);
        }

        return ids;
    }
}
