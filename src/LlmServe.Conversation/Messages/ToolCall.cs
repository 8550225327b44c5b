namespace LlmServe.Conversation;

/// <summary>A call of a tool in a conversation's history.</summary>
/// <param name="Id">What the tool's result refers to.</param>
/// <param name="Name">The tool.</param>
/// <param name="Arguments">The arguments, JSON as text.</param>
public sealed record ToolCall(string Id, string Name, string Arguments);
