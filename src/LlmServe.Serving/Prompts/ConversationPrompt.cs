using LlmServe.Text.Templates;

namespace LlmServe.Serving;

/// <summary>A conversation, rendered by the model's chat template.</summary>
public sealed class ConversationPrompt : PromptSource
{
    /// <summary>A typing mistake in a role would silently give a worse prompt, so only known ones pass.</summary>
    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];

    /// <summary>Names that have a place of their own, or come from the model.</summary>
    private static readonly string[] Reserved = ["messages", "tools", "add_generation_prompt", "bos_token", "eos_token"];

    /// <summary>The messages, oldest first.</summary>
    public required IReadOnlyList<TemplateMessage> Messages { get; init; }

    /// <summary>Tools for the template, a list; null: none.</summary>
    public TemplateValue? Tools { get; init; }

    /// <summary>Further variables for the template.</summary>
    public IReadOnlyList<KeyValuePair<string, TemplateValue>> Variables { get; init; } = [];

    /// <summary>Path of the request's field with the variables, for messages.</summary>
    public string VariablesField { get; init; } = "variables";

    /// <summary>Whether the prompt ends with the start of an assistant's message.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <inheritdoc/>
    internal override IReadOnlyList<int> Read(ServedModel model, ServingOptions options, int most, CancellationToken cancellation)
    {
        if (model.Template is not { } template)
        {
            throw new Failure(
                FailureKind.Model, $"the model '{model.Id}' has no chat template; continue a text instead, or start the server with a template").ToException();
        }

        CheckMessages(options.MaxMessages);
        var tokenizer = model.Engine.Tokenizer;
        var rendered = template.Render(
            new ChatTemplateInput
            {
                Messages = Messages,
                Tools = Tools,
                Variables = ReadVariables(),
                AddGenerationPrompt = AddGenerationPrompt,
                BosToken = tokenizer.BosId is { } bos ? tokenizer.PieceOf(bos) : "",
                EosToken = tokenizer.EosId is { } eos ? tokenizer.PieceOf(eos) : "",
                Now = options.Clock.GetLocalNow(),
            },
            null, cancellation);

        PromptLength.Check(rendered.Text, tokenizer, most, Field, cancellation);
        // The template writes the special tokens itself, a beginning-of-sequence token included where the model wants one. Those that a message spells
        // out stay text.
        var ids = new List<int>();
        tokenizer.Encode(rendered.Text, addSpecial: false, rendered.Inputs, ids, cancellation);
        return ids.Count > 0 ? ids : throw Failure.Invalid(Field, "the chat template makes an empty prompt out of them").ToException();
    }

    private void CheckMessages(int most)
    {
        if (Messages.Count == 0 || Messages.Count > most)
        {
            throw Failure.Invalid(Field, $"has {Messages.Count} messages; allowed are 1 … {most}").ToException();
        }

        for (int i = 0; i < Messages.Count; i++)
        {
            if (!Roles.Contains(Messages[i].Role))
            {
                throw Failure.Invalid(
                    $"{Field}[{i}].role", $"is '{Failure.Shorten(Messages[i].Role)}'; allowed are {string.Join(", ", Roles)}").ToException();
            }
        }
    }

    private Dictionary<string, TemplateValue> ReadVariables()
    {
        var variables = new Dictionary<string, TemplateValue>(StringComparer.Ordinal);
        foreach (var (name, value) in Variables)
        {
            if (Reserved.Contains(name))
            {
                throw Failure.Invalid(VariablesField, $"has the key '{name}', which the server sets").ToException();
            }

            variables.Add(name, value);
        }

        return variables;
    }
}
