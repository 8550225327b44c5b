using System.Text.Json;

namespace LlmServe.Text.Templates;

/// <summary>One message of a conversation. The template sees an object with <c>role</c>, <c>content</c> and the further fields, in this order.</summary>
public sealed class TemplateMessage
{
    /// <param name="role">Such as <c>system</c>, <c>user</c> or <c>assistant</c>; the template decides what it knows.</param>
    /// <param name="content">The text, or a list of parts; null where the message has none.</param>
    /// <param name="fields">Further fields, such as <c>tool_calls</c> or <c>reasoning_content</c>; null for none. A field that is <c>none</c> is left out.</param>
    public TemplateMessage(string role, TemplateValue? content, IReadOnlyList<KeyValuePair<string, TemplateValue>>? fields = null)
    {
        ArgumentNullException.ThrowIfNull(role);
        Role = role;
        Content = content;
        Fields = fields ?? [];
    }

    private TemplateMessage(JsonElement json)
        : this("", null) => Json = json;

    /// <summary>Who speaks; empty for a message that is JSON.</summary>
    public string Role { get; }

    /// <summary>What is said; null where there is nothing, and for a message that is JSON.</summary>
    public TemplateValue? Content { get; }

    /// <summary>Further fields; empty for a message that is JSON.</summary>
    public IReadOnlyList<KeyValuePair<string, TemplateValue>> Fields { get; }

    /// <summary>The message as JSON, where it was given so.</summary>
    internal JsonElement? Json { get; }

    /// <summary>A message as JSON, whose keys keep their order.</summary>
    /// <param name="json">An object with at least a <c>role</c>; anything else is refused when it is rendered.</param>
    public static TemplateMessage FromJson(JsonElement json) => new(json);
}
