namespace LlmServe.Conversation;

/// <summary>Why an answer ended.</summary>
public enum ConversationEnd
{
    /// <summary>The model ended it, or a stop text was written.</summary>
    Stop,

    /// <summary>It was cut: the most tokens allowed, or the context's end.</summary>
    Length,

    /// <summary>It ended with calls of tools, which wait for their results.</summary>
    ToolCalls,
}
