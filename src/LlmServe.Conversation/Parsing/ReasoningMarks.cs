namespace LlmServe.Conversation.Parsing;

/// <summary>The marks around a model's reasoning.</summary>
/// <param name="Start">What begins it.</param>
/// <param name="End">What ends it.</param>
internal sealed record ReasoningMarks(string Start, string End)
{
    /// <summary>The marks that templates are known to write, the most usual ones first.</summary>
    public static readonly IReadOnlyList<ReasoningMarks> Known =
    [
        new("<think>", "</think>"),
        new("[THINK]", "[/THINK]"),
        new("<|START_THINKING|>", "<|END_THINKING|>"),
        new("<|channel>thought", "<channel|>"),
        new("<mm:think>", "</mm:think>"),
        new("<seed:think>", "</seed:think>"),
        new("<|inner_prefix|>", "<|inner_suffix|>"),
    ];
}
