namespace LlmServe.Engine;

/// <summary>A token's log-probability and the likeliest alternatives, descending.</summary>
public sealed record TokenLogProbability(int Token, float LogProbability, IReadOnlyList<KeyValuePair<int, float>> Top);
