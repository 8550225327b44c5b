namespace LlmServe.Conversation;

/// <summary>Whether an answer calls tools, and which.</summary>
/// <param name="Mode">Whether.</param>
/// <param name="Name">Which, where one is named.</param>
public readonly record struct ToolChoice(ToolChoiceMode Mode, string? Name = null)
{
    /// <summary>The model decides.</summary>
    public static ToolChoice Auto => default;

    /// <summary>No calls.</summary>
    public static ToolChoice None => new(ToolChoiceMode.None);

    /// <summary>At least one call.</summary>
    public static ToolChoice Required => new(ToolChoiceMode.Required);

    /// <summary>A call of this tool.</summary>
    public static ToolChoice Function(string name) => new(ToolChoiceMode.Named, name);
}
