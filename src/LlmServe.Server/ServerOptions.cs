using LlmServe.Http;
using LlmServe.Serving;

namespace LlmServe.Server;

/// <summary>Where a server listens, beside what it takes (<see cref="ServingOptions"/>).</summary>
public sealed record ServerOptions : ServingOptions
{
    /// <summary>The port of a server that is not told another one.</summary>
    public const int DefaultPort = 8080;

    /// <summary>
    /// IP address to listen on, or <c>localhost</c> (127.0.0.1). The default is loopback; with <c>0.0.0.0</c> or <c>::</c> everybody who can reach
    /// the port can use the server, unless it has API keys.
    /// </summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>TCP port; 0: a free one, which <see cref="LlmServeHost.Endpoint"/> then gives.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>Most tokens of an answer to a gRPC request that names no limit; null: as many as the context holds. The client's own limits count too.</summary>
    public int? DefaultOutputTokens { get; init; } = 1024;

    /// <summary>Most connections at once; one more is closed.</summary>
    public int MaxConnections { get; init; } = 4096;

    /// <summary>Most connections of one address at once; one more is closed.</summary>
    public int MaxConnectionsPerAddress { get; init; } = 1024;

    /// <summary>The certificate for TLS; null: clear text.</summary>
    public ServerCertificate? Certificate { get; init; }

    /// <summary>Where Prometheus reads metrics; null: nowhere.</summary>
    public MetricsOptions? Metrics { get; init; }

    /// <summary>
    /// Whether metrics and traces are sent by OTLP. Where to, how often, and what else, say the standard variables of OpenTelemetry, such as
    /// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>.
    /// </summary>
    public bool OpenTelemetry { get; init; }

    /// <summary>Whether the server describes its services to tools such as grpcurl (gRPC reflection).</summary>
    public bool Reflection { get; init; } = true;

    /// <summary>Whether reflection is open to clients without an API key.</summary>
    public bool OpenReflection { get; init; }

    /// <summary>What the HTTP APIs do.</summary>
    public HttpOptions Http { get; init; } = new();

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Http.Validate();
        OptionException.Require(Port is >= 0 and <= 65535, nameof(Port), Port, "0 … 65535");
        OptionException.Require(DefaultOutputTokens is null or >= 1, nameof(DefaultOutputTokens), DefaultOutputTokens, "1 or more");
        OptionException.Require(MaxConnections >= 1, nameof(MaxConnections), MaxConnections, "1 or more");
        OptionException.Require(MaxConnectionsPerAddress >= 1, nameof(MaxConnectionsPerAddress), MaxConnectionsPerAddress, "1 or more");
        if (Metrics is { } metrics)
        {
            OptionException.Require(metrics.Port is >= 0 and <= 65535, $"{nameof(Metrics)}.{nameof(metrics.Port)}", metrics.Port, "0 … 65535");
            OptionException.Require(
                metrics.Port == 0 || metrics.Port != Port, $"{nameof(Metrics)}.{nameof(metrics.Port)}", metrics.Port, "another port than the server's own");
            OptionException.Require(
                metrics.Path.StartsWith('/') && metrics.Path.All(c => char.IsAsciiLetterOrDigit(c) || "/._-".Contains(c)),
                $"{nameof(Metrics)}.{nameof(metrics.Path)}", metrics.Path, "a path such as /metrics, of letters, digits and / . _ -");
            OptionException.Require(
                !metrics.AsksForKey || ApiKeys.Count > 0, $"{nameof(Metrics)}.{nameof(metrics.AsksForKey)}", metrics.AsksForKey, "false on a server without API keys");
        }
    }
}
