namespace LlmServe.Engine;

/// <summary>Tokens read and written.</summary>
public sealed record Usage(int PromptTokens, int CompletionTokens, int CachedPromptTokens)
{
    /// <summary>Draft tokens that were verified for the answer, right or wrong.</summary>
    public int DraftTokens { get; init; }

    /// <summary>Those among them that turned out right.</summary>
    public int AcceptedDraftTokens { get; init; }
}
