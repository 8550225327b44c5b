namespace LlmServe.Conversation;

/// <summary>Whether an answer calls tools.</summary>
public enum ToolChoiceMode
{
    /// <summary>The model decides.</summary>
    Auto,

    /// <summary>It does not: tools stay in the prompt, and calls are masked out.</summary>
    None,

    /// <summary>It calls at least one.</summary>
    Required,

    /// <summary>It calls the one that is named.</summary>
    Named,
}
