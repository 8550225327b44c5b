namespace LlmServe.Text.Templates;

/// <summary>The plain kind of message: a role and a text. Messages with parts or tool calls are given as JSON.</summary>
/// <param name="Role">Such as <c>system</c>, <c>user</c> or <c>assistant</c>; the template decides what it knows.</param>
/// <param name="Content">The text.</param>
public sealed record ChatMessage(string Role, string Content);
