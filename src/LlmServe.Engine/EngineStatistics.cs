namespace LlmServe.Engine;

/// <summary>What an engine is doing, as of its last tick.</summary>
/// <param name="Running">Sequences that hold a slot.</param>
/// <param name="Waiting">Requests that wait for one: preempted sequences and places of requests that are being prepared among them.</param>
/// <param name="Paused">Running or waiting sequences whose reader does not read.</param>
/// <param name="KvBlocks">KV blocks that exist.</param>
/// <param name="FreeKvBlocks">KV blocks that no sequence holds, cached ones included.</param>
/// <param name="CachedKvBlocks">Those among them that are kept for requests that start with the same tokens.</param>
/// <param name="Ticks">Ticks since the start.</param>
/// <param name="PromptRows">Prompt rows computed since the start, recomputed ones included.</param>
/// <param name="DecodeRows">Decode rows computed since the start, those of guessed tokens included.</param>
/// <param name="CachedPromptTokens">Prompt tokens since the start that were found in the prefix cache instead of being computed.</param>
/// <param name="Preemptions">Sequences that lost their KV blocks to others since the start.</param>
public readonly record struct EngineStatistics(
    int Running, int Waiting, int Paused, int KvBlocks, int FreeKvBlocks, int CachedKvBlocks, long Ticks, long PromptRows, long DecodeRows,
    long CachedPromptTokens, long Preemptions)
{
    /// <summary>States of recurrent layers that are kept for requests that start with the same tokens.</summary>
    public int CachedStates { get; init; }

    /// <summary>Requests since the start whose first token came and whose time had been predicted.</summary>
    public long PredictedRequests { get; init; }

    /// <summary>Those among them whose first token came within the predicted range; about four of five.</summary>
    public long PredictedWithinRange { get; init; }

    /// <summary>How guessing ahead goes.</summary>
    public SpeculationStatistics Speculation { get; init; }

    /// <summary>Times that a listener of metrics or traces threw. What it threw is ignored: no request depends on who listens.</summary>
    public long ListenerFailures { get; init; }
}
