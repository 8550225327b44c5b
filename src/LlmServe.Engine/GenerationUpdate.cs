namespace LlmServe.Engine;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>Still running.</summary>
    None,

    /// <summary>An end-of-generation token or a stop text.</summary>
    Stop,

    /// <summary>The token limit or the context's end.</summary>
    Length,

    /// <summary>The caller cancelled or its deadline passed.</summary>
    Cancelled,

    /// <summary>The engine stopped.</summary>
    Aborted,
}

/// <summary>A step of a stream: usually one token; the last one has a <see cref="FinishReason"/>, <see cref="Usage"/> and <see cref="Timings"/>.</summary>
/// <param name="Text">New text; empty while a character or a possible stop text is incomplete.</param>
/// <param name="Tokens">New token ids, with the end-of-generation token or the token that completed a stop text, which give no text.</param>
/// <param name="LogProbabilities">One per token, where asked for.</param>
/// <param name="FinishReason">Set on the last update only.</param>
/// <param name="Usage">Set on the last update only.</param>
/// <param name="Timings">Set on the last update only.</param>
public sealed record GenerationUpdate(
    string Text, IReadOnlyList<int> Tokens, IReadOnlyList<TokenLogProbability>? LogProbabilities = null,
    FinishReason FinishReason = FinishReason.None, Usage? Usage = null, Timings? Timings = null);

/// <summary>A token's log-probability and the likeliest alternatives, descending.</summary>
public sealed record TokenLogProbability(int Token, float LogProbability, IReadOnlyList<KeyValuePair<int, float>> Top);

/// <summary>Tokens read and written.</summary>
public sealed record Usage(int PromptTokens, int CompletionTokens, int CachedPromptTokens)
{
    /// <summary>Tokens of the answer that were guessed ahead, right or wrong.</summary>
    public int GuessedTokens { get; init; }

    /// <summary>Those among them that turned out right.</summary>
    public int AcceptedGuesses { get; init; }
}

/// <summary>Where the time went, in seconds.</summary>
/// <param name="Queue">Waiting before the first prompt row ran.</param>
/// <param name="Prefill">From then to the first token.</param>
/// <param name="Decode">From the first token to the last.</param>
public sealed record Timings(double Queue, double Prefill, double Decode)
{
    /// <summary>From the request to its first token; null when it had none.</summary>
    public double? TimeToFirstToken { get; init; }

    /// <summary>Tokens per second after the first token; null with fewer than two.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>What <see cref="LlmEngine.Plan(GenerationRequest)"/> said of <see cref="TimeToFirstToken"/> when the request came; null where the machine is not measured.</summary>
    public double? PredictedTimeToFirstToken { get; init; }

    /// <summary>What <see cref="LlmEngine.Plan(GenerationRequest)"/> said of <see cref="TokensPerSecond"/> when the request came; null where the machine is not measured.</summary>
    public double? PredictedTokensPerSecond { get; init; }
}
