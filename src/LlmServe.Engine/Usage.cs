namespace LlmServe.Engine;

/// <summary>Tokens read and written.</summary>
public sealed record Usage(int PromptTokens, int CompletionTokens, int CachedPromptTokens)
{
    /// <summary>Tokens of the answer that were guessed ahead, right or wrong.</summary>
    public int GuessedTokens { get; init; }

    /// <summary>Those among them that turned out right.</summary>
    public int AcceptedGuesses { get; init; }
}
