namespace LlmServe.Server;

/// <summary>Where a server listens and what it takes.</summary>
public sealed record ServerOptions
{
    /// <summary>The port of a server that is not told another one.</summary>
    public const int DefaultPort = 8080;

    /// <summary>
    /// IP address to listen on, or <c>localhost</c> (127.0.0.1). The default is loopback: a server has no access control of its own, so
    /// <c>0.0.0.0</c> or <c>::</c> is for networks that only friends can reach.
    /// </summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>TCP port; 0: a free one, which <see cref="LlmServeHost.Endpoint"/> then gives.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>
    /// Largest request in bytes; a larger one fails with RESOURCE_EXHAUSTED. The default of 1 MiB holds about 250,000 tokens of English and
    /// keeps what a hostile request can allocate while it is read below 64 MB.
    /// </summary>
    public int MaxRequestBytes { get; init; } = 1 << 20;

    /// <summary>Most messages of a conversation.</summary>
    public int MaxMessages { get; init; } = 4096;

    /// <summary>How long running calls may go on once <see cref="LlmServeHost.StopAsync"/> was called.</summary>
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether the server describes its services to tools such as grpcurl (gRPC reflection).</summary>
    public bool Reflection { get; init; } = true;

    /// <summary>The clock that chat templates see (some write today's date into the prompt).</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Throws if a value is outside its range.</summary>
    /// <exception cref="ArgumentException">Says which value, and what is allowed.</exception>
    internal void Validate()
    {
        Require(Port is >= 0 and <= 65535, nameof(Port), Port, "0 … 65535");
        Require(MaxRequestBytes is >= 1024 and <= 1 << 30, nameof(MaxRequestBytes), MaxRequestBytes, "1,024 … 1,073,741,824");
        Require(MaxMessages >= 1, nameof(MaxMessages), MaxMessages, "1 or more");
        Require(GracePeriod >= TimeSpan.Zero && GracePeriod <= TimeSpan.FromDays(1), nameof(GracePeriod), GracePeriod, "0 … 1 day");
    }

    private static void Require(bool condition, string name, object value, string allowed)
    {
        if (!condition)
        {
            throw new ArgumentException($"The server option {name} is {value}; allowed is {allowed}.", name);
        }
    }
}
