namespace LlmServe.Engine;

/// <summary>A step of a stream: usually one token; the last one has a <see cref="FinishReason"/>, <see cref="Usage"/> and <see cref="Timings"/>.</summary>
/// <param name="Text">New text; empty while a character or a possible stop text is incomplete.</param>
/// <param name="Tokens">New token ids, with the end-of-generation token or the token that completed a stop text, which give no text.</param>
/// <param name="LogProbabilities">One per token, where asked for.</param>
/// <param name="FinishReason">Set on the last update only.</param>
/// <param name="Usage">Set on the last update only.</param>
/// <param name="Timings">Set on the last update only.</param>
public sealed record GenerationUpdate(
    string Text, IReadOnlyList<int> Tokens, IReadOnlyList<TokenLogProbability>? LogProbabilities = null,
    FinishReason FinishReason = FinishReason.None, Usage? Usage = null, Timings? Timings = null)
{
    /// <summary>More about <see cref="FinishReason"/>, for people, where there is more to say.</summary>
    public string? Message { get; init; }

    /// <summary>The stop text of the request that ended the answer; null where something else did.</summary>
    public string? StopText { get; init; }
}
