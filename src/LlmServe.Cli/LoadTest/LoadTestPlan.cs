namespace LlmServe.Cli.LoadTest;

/// <summary>What a load test sends.</summary>
internal sealed record LoadTestPlan
{
    /// <summary>Clients, each with a connection of its own.</summary>
    public int Streams { get; init; } = 4;

    /// <summary>Requests in all; null: as many as <see cref="Duration"/> allows.</summary>
    public long? Requests { get; init; }

    /// <summary>No request starts later; null: no limit.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>Lengths of prompts, without the shared prefix.</summary>
    public LengthRange PromptTokens { get; init; } = LengthRange.Always(128);

    /// <summary>Lengths of answers.</summary>
    public LengthRange OutputTokens { get; init; } = LengthRange.Always(64);

    /// <summary>When requests are sent.</summary>
    public ArrivalPattern Arrival { get; init; }

    /// <summary>Share of requests that their client cancels.</summary>
    public double CancelShare { get; init; }

    /// <summary>Share of requests whose client pauses.</summary>
    public double SlowShare { get; init; }

    /// <summary>Share of requests whose client closes its connection.</summary>
    public double DisconnectShare { get; init; }

    /// <summary>Key of all random choices.</summary>
    public ulong Seed { get; init; }

    /// <summary>Tokens that every prompt begins with, before its own.</summary>
    public int SharedPrefix { get; init; }

    /// <summary>Length of a prompt sent in the middle; 0: none.</summary>
    public int LongPrompt { get; init; }

    /// <summary>Whether one stream is measured first.</summary>
    public bool Baseline { get; init; }

    /// <summary>Whether the health service is probed meanwhile.</summary>
    public bool Health { get; init; }

    /// <summary>Answers that are asked for again, one at a time, and compared; 0: none.</summary>
    public int Verify { get; init; }

    /// <summary>Whether memory and blocks are watched, and must be back at the end.</summary>
    public bool Soak { get; init; }

    /// <summary>Positions that the longest request needs.</summary>
    public long LongestRequest => Math.Max((long)SharedPrefix + PromptTokens.Most + OutputTokens.Most, (long)LongPrompt + 1);
}
