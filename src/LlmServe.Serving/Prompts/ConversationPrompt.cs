using System.Text.Json;
using LlmServe.Text.Templates;

namespace LlmServe.Serving;

/// <summary>A conversation, rendered by the model's chat template.</summary>
public sealed class ConversationPrompt : PromptSource
{
    /// <summary>A typing mistake in a role would silently give a worse prompt, so only known ones pass.</summary>
    private static readonly string[] _roles = ["system", "developer", "user", "assistant", "tool"];

    /// <summary>Names that have a place of their own, or come from the model.</summary>
    private static readonly string[] _reserved = ["messages", "tools", "add_generation_prompt", "bos_token", "eos_token"];

    /// <summary>The messages, oldest first.</summary>
    public required IReadOnlyList<ConversationMessage> Messages { get; init; }

    /// <summary>Tools for the template, a JSON array; null: none.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>Further variables for the template.</summary>
    public IReadOnlyList<KeyValuePair<string, JsonElement>> Variables { get; init; } = [];

    /// <summary>Path of the request's field with the variables, for messages.</summary>
    public string VariablesField { get; init; } = "variables";

    /// <summary>Whether the prompt ends with the start of an assistant's message.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <inheritdoc/>
    internal override IReadOnlyList<int> Read(ServedModel model, ServingOptions options)
    {
        if (model.Template is not { } template)
        {
            throw new Failure(
                FailureKind.Model, $"the model '{model.Id}' has no chat template; continue a text instead, or start the server with a template").ToException();
        }

        var tokenizer = model.Engine.Tokenizer;
        string text = template.Render(new ChatTemplateInput
        {
            Messages = ReadMessages(options.MaxMessages),
            Tools = Tools,
            Variables = ReadVariables(),
            AddGenerationPrompt = AddGenerationPrompt,
            BosToken = tokenizer.BosId is { } bos ? tokenizer.PieceOf(bos) : "",
            EosToken = tokenizer.EosId is { } eos ? tokenizer.PieceOf(eos) : "",
            Now = options.Clock.GetLocalNow(),
        });

        // The template writes the special tokens itself, a beginning-of-sequence token included where the model wants one.
        var ids = new List<int>();
        tokenizer.Encode(text, addSpecial: false, parseSpecial: true, ids);
        return ids.Count > 0 ? ids : throw Failure.Invalid(Field, "the chat template makes an empty prompt out of them").ToException();
    }

    private JsonElement[] ReadMessages(int most)
    {
        if (Messages.Count == 0 || Messages.Count > most)
        {
            throw Failure.Invalid(Field, $"has {Messages.Count} messages; allowed are 1 … {most}").ToException();
        }

        var elements = new JsonElement[Messages.Count];
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i] = ReadMessage(Messages[i], $"{Field}[{i}]");
        }

        return elements;
    }

    private static JsonElement ReadMessage(ConversationMessage message, string field)
    {
        if (!_roles.Contains(message.Role))
        {
            throw Failure.Invalid($"{field}.role", $"is '{Failure.Shorten(message.Role)}'; allowed are {string.Join(", ", _roles)}").ToException();
        }

        var keys = new List<KeyValuePair<string, JsonElement>> { new("role", JsonText.String(message.Role)) };
        if (message.Content is { } content)
        {
            keys.Add(new("content", JsonText.String(content)));
        }

        keys.AddRange(message.Fields);
        return JsonText.Object(keys);
    }

    private Dictionary<string, JsonElement> ReadVariables()
    {
        var variables = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (name, value) in Variables)
        {
            if (_reserved.Contains(name))
            {
                throw Failure.Invalid(VariablesField, $"has the key '{name}', which the server sets").ToException();
            }

            variables.Add(name, value);
        }

        return variables;
    }
}
