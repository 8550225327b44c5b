namespace LlmServe.Conversation;

/// <summary>What a chat template does with a conversation, found by rendering small ones and looking at what comes out.</summary>
public sealed record TemplateCapabilities
{
    /// <summary>Whether tools that are given appear in the prompt.</summary>
    public bool Tools { get; init; }

    /// <summary>Whether calls in the history appear in the prompt.</summary>
    public bool ToolCalls { get; init; }

    /// <summary>Whether several calls of one message do.</summary>
    public bool ParallelToolCalls { get; init; }

    /// <summary>Whether calls take their arguments as an object; else as JSON text.</summary>
    public bool ObjectArguments { get; init; }

    /// <summary>Whether ids of calls must have nine letters and digits.</summary>
    public bool ShortCallIds { get; init; }

    /// <summary>Whether results of tools appear in the prompt.</summary>
    public bool ToolRole { get; init; }

    /// <summary>Whether a system message appears in the prompt.</summary>
    public bool SystemRole { get; init; }

    /// <summary>Whether several system messages in front do.</summary>
    public bool SeveralSystemMessages { get; init; }

    /// <summary>Whether the role <c>developer</c> is known.</summary>
    public bool DeveloperRole { get; init; }

    /// <summary>Whether a call may stand in a message without any content.</summary>
    public bool MissingContent { get; init; }

    /// <summary>Whether a call may stand in a message whose content is empty.</summary>
    public bool EmptyContent { get; init; }

    /// <summary>Whether a content that is text appears in the prompt; else it must be a list of parts.</summary>
    public bool TextContent { get; init; }

    /// <summary>The field in which reasoning of the history, at the end of it at least, appears in the prompt; null where it does in none.</summary>
    public string? ReasoningField { get; init; }

    /// <summary>The variable that turns reasoning on and off; null where there is none.</summary>
    public string? ReasoningVariable { get; init; }

    /// <summary>Whether the template takes a reasoning effort.</summary>
    public bool ReasoningEffort { get; init; }

    /// <summary>The mark that begins reasoning in the model's answers; null where it does not reason, as far as the template tells.</summary>
    public string? ReasoningStart { get; init; }

    /// <summary>The mark that ends it.</summary>
    public string? ReasoningEnd { get; init; }
}
