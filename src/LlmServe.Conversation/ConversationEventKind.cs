namespace LlmServe.Conversation;

/// <summary>What an event of an answer says.</summary>
public enum ConversationEventKind
{
    /// <summary>More of the model's reasoning.</summary>
    Reasoning,

    /// <summary>More of the answer's text.</summary>
    Text,

    /// <summary>A tool call begins: its name and id are known.</summary>
    ToolCallStart,

    /// <summary>More of a call's arguments, a piece of a JSON text.</summary>
    ToolCallArguments,

    /// <summary>A call's arguments are whole.</summary>
    ToolCallEnd,
}
