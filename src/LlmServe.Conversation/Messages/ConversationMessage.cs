using LlmServe.Text.Templates;

namespace LlmServe.Conversation;

/// <summary>One message of a conversation.</summary>
/// <param name="Role">Who speaks: <c>system</c>, <c>developer</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>, or what else the model's template knows.</param>
/// <param name="Content">The text; null where there is none.</param>
public sealed record ConversationMessage(string Role, string? Content = null)
{
    /// <summary>The assistant's calls of tools.</summary>
    public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];

    /// <summary>For a tool's result: the call that it answers.</summary>
    public string? ToolCallId { get; init; }

    /// <summary>Name of the speaker or of the tool.</summary>
    public string? Name { get; init; }

    /// <summary>The assistant's reasoning before the content.</summary>
    public string? Reasoning { get; init; }

    /// <summary>The message as the caller's request has it, which templates are given where the answer is not taken apart; null: as the properties say.</summary>
    public TemplateMessage? Source { get; init; }

    /// <summary>Further fields, which go to the template as they are.</summary>
    public IReadOnlyList<KeyValuePair<string, TemplateValue>> Fields { get; init; } = [];
}
