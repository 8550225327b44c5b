namespace LlmServe.Client;

/// <summary>How a client connects.</summary>
public sealed record LlmServeClientOptions
{
    /// <summary>Longest time that a call may take, from its start to its last message; null: no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Largest message taken from the server, in bytes.</summary>
    public int MaxReceiveMessageBytes { get; init; } = 16 << 20;
}
