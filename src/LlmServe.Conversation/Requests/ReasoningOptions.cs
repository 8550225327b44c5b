namespace LlmServe.Conversation;

/// <summary>How a model that reasons is to do so.</summary>
public sealed record ReasoningOptions
{
    /// <summary>Whether to reason at all; null: as the model's template has it.</summary>
    public bool? Enabled { get; init; }

    /// <summary>How much, in the template's own words (<c>low</c>, <c>medium</c>, <c>high</c>); null: as the template has it.</summary>
    public string? Effort { get; init; }

    /// <summary>Tokens of reasoning after which its end mark is forced; null: any number.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Whether reasoning stays in the text, with its marks.</summary>
    public bool StaysInText { get; init; }
}
