namespace LlmServe.Conversation.Parsing;

/// <summary>What looked like a call is none; it is text then.</summary>
internal sealed class MalformedCallException : Exception;
