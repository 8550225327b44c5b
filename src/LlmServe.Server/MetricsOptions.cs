namespace LlmServe.Server;

/// <summary>
/// Where Prometheus reads a server's metrics: plain HTTP/1.1 on a port of its own, since gRPC without TLS speaks HTTP/2 from the first byte and
/// Prometheus does not.
/// </summary>
public sealed record MetricsOptions
{
    /// <summary>IP address to listen on, or <c>localhost</c>; null: the server's.</summary>
    public string? Host { get; init; }

    /// <summary>TCP port; 0: a free one, which <see cref="LlmServeHost.MetricsAddress"/> then gives.</summary>
    public int Port { get; init; }

    /// <summary>Path of the page.</summary>
    public string Path { get; init; } = "/metrics";

    /// <summary>Whether the page asks for one of the server's API keys, in <c>authorization: Bearer KEY</c>.</summary>
    public bool AsksForKey { get; init; }
}
