namespace LlmServe.Server;

/// <summary>Where a server listens and what it takes.</summary>
public sealed record ServerOptions
{
    /// <summary>The port of a server that is not told another one.</summary>
    public const int DefaultPort = 8080;

    /// <summary>
    /// IP address to listen on, or <c>localhost</c> (127.0.0.1). The default is loopback; with <c>0.0.0.0</c> or <c>::</c> everybody who can reach
    /// the port can use the server, unless it has <see cref="ApiKeys"/>.
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

    /// <summary>Most tokens of a prompt; a longer one fails with INVALID_ARGUMENT. Null: as many as the model's context holds.</summary>
    public int? MaxPromptTokens { get; init; }

    /// <summary>
    /// Most tokens of an answer: a request for more fails with INVALID_ARGUMENT, one that names no limit gets this one. Null: as many as the model's
    /// context holds.
    /// </summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>Who may use the server, in <c>authorization: Bearer KEY</c>; none: everybody. Health needs no key.</summary>
    public IReadOnlyList<ApiKey> ApiKeys { get; init; } = [];

    /// <summary>The certificate for TLS; null: HTTP/2 without TLS.</summary>
    public ServerCertificate? Certificate { get; init; }

    /// <summary>Where Prometheus reads metrics; null: nowhere.</summary>
    public MetricsOptions? Metrics { get; init; }

    /// <summary>
    /// Whether metrics and traces are sent by OTLP. Where to, how often, and what else, say the standard variables of OpenTelemetry, such as
    /// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>.
    /// </summary>
    public bool OpenTelemetry { get; init; }

    /// <summary>How long running calls may go on once <see cref="LlmServeHost.StopAsync"/> was called.</summary>
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether the server describes its services to tools such as grpcurl (gRPC reflection).</summary>
    public bool Reflection { get; init; } = true;

    /// <summary>Whether reflection is open to clients without an API key.</summary>
    public bool OpenReflection { get; init; }

    /// <summary>The clock that chat templates see (some write today's date into the prompt).</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Throws if a value is outside its range.</summary>
    /// <exception cref="ArgumentException">Says which value, and what is allowed.</exception>
    internal void Validate()
    {
        Require(Port is >= 0 and <= 65535, nameof(Port), Port, "0 … 65535");
        Require(MaxRequestBytes is >= 1024 and <= 1 << 30, nameof(MaxRequestBytes), MaxRequestBytes, "1,024 … 1,073,741,824");
        Require(MaxMessages >= 1, nameof(MaxMessages), MaxMessages, "1 or more");
        Require(MaxPromptTokens is null or >= 1, nameof(MaxPromptTokens), MaxPromptTokens!, "1 or more");
        Require(MaxOutputTokens is null or >= 1, nameof(MaxOutputTokens), MaxOutputTokens!, "1 or more");
        ValidateKeys();
        ValidateMetrics();
        Require(GracePeriod >= TimeSpan.Zero && GracePeriod <= TimeSpan.FromDays(1), nameof(GracePeriod), GracePeriod, "0 … 1 day");
    }

    private void ValidateKeys()
    {
        foreach (var key in ApiKeys)
        {
            key.Validate();
        }

        // Limits are counted per key and logs tell keys apart by name.
        if (ApiKeys.GroupBy(key => key.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } names)
        {
            throw new ArgumentException($"Two API keys have the name '{names.Key}'; names must differ.", nameof(ApiKeys));
        }

        if (ApiKeys.GroupBy(key => key.Sha256, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twins)
        {
            throw new ArgumentException($"{string.Join(" and ", twins.Select(key => $"'{key.Name}'"))} are the same API key; keys must differ.", nameof(ApiKeys));
        }
    }

    private void ValidateMetrics()
    {
        if (Metrics is { } metrics)
        {
            Require(metrics.Port is >= 0 and <= 65535, $"{nameof(Metrics)}.{nameof(metrics.Port)}", metrics.Port, "0 … 65535");
            Require(metrics.Port == 0 || metrics.Port != Port, $"{nameof(Metrics)}.{nameof(metrics.Port)}", metrics.Port, "another port than the server's own");
            Require(
                metrics.Path.StartsWith('/') && metrics.Path.All(c => char.IsAsciiLetterOrDigit(c) || "/._-".Contains(c)),
                $"{nameof(Metrics)}.{nameof(metrics.Path)}", metrics.Path, "a path such as /metrics, of letters, digits and / . _ -");
        }
    }

    private static void Require(bool condition, string name, object value, string allowed)
    {
        if (!condition)
        {
            throw new ArgumentException($"The server option {name} is {value}; allowed is {allowed}.", name);
        }
    }
}
