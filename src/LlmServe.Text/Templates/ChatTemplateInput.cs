using System.Buffers;
using System.Collections.Frozen;
using System.Text.Json;

namespace LlmServe.Text.Templates;

/// <summary>
/// What a template renders. JSON is kept as it was sent, so that integers of any length, the difference of <c>1</c> and <c>1.0</c> and the
/// order of keys reach the template. The elements' documents must stay alive while <see cref="ChatTemplate.Render"/> runs.
/// </summary>
public sealed record ChatTemplateInput
{
    /// <summary>The conversation, oldest first; each element is a JSON object with at least a <c>role</c>.</summary>
    public required IReadOnlyList<JsonElement> Messages { get; init; }

    /// <summary>The tools as an array in the form of the OpenAI API; null is the template's <c>none</c>.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>Whether the text ends with the opening of the assistant's next turn.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>The model's beginning-of-sequence token as text, empty where it has none.</summary>
    public string BosToken { get; init; } = "";

    /// <summary>The model's end-of-sequence token as text, empty where it has none.</summary>
    public string EosToken { get; init; } = "";

    /// <summary>
    /// More variables, such as <c>enable_thinking</c>. <c>documents</c> is <c>none</c> where it is absent here; any other absent name is
    /// undefined. They cannot replace the variables that have a property of their own.
    /// </summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = FrozenDictionary<string, JsonElement>.Empty;

    /// <summary>What <c>strftime_now</c> shows. It is the caller's, so that a render depends on its input alone.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>An input of plain messages.</summary>
    /// <param name="messages">Oldest first. Unpaired surrogates in their texts become U+FFFD.</param>
    /// <param name="now">The time for <see cref="Now"/>.</param>
    public static ChatTemplateInput FromMessages(IEnumerable<ChatMessage> messages, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            foreach (var message in messages)
            {
                writer.WriteStartObject();
                writer.WriteString("role", message.Role);
                writer.WriteString("content", message.Content);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return new() { Messages = [.. JsonElement.ParseValue(ref reader).EnumerateArray()], Now = now };
    }
}
