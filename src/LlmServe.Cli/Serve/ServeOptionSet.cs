using System.CommandLine;
using LlmServe.Cli.App;
using LlmServe.Cli.Chat;
using LlmServe.Cli.Options;
using LlmServe.Engine;
using LlmServe.Server;
using Microsoft.Extensions.Logging;

namespace LlmServe.Cli.Serve;

/// <summary>Who may see the server's types through reflection.</summary>
internal enum ReflectionAccess
{
    /// <summary>Nobody.</summary>
    Off,

    /// <summary>Whoever may use the server.</summary>
    On,

    /// <summary>Also clients without an API key.</summary>
    Open,
}

/// <summary>The flags of <c>llmserve serve</c>. Each is also a key of the configuration file and an environment variable (<see cref="ServeConfiguration"/>).</summary>
internal sealed class ServeOptionSet
{
    private const int LongestGrace = 24 * 60 * 60;

    private readonly Option<string?> _config = OptionFactory.Text(
        "--config", "FILE", $"Settings as JSON, in a section \"{ConfigurationValues.Section}\"; every option here is a key there, and an environment variable: "
        + $"--max-queue is max_queue and LLMSERVE_MAX_QUEUE (default: {ConfigurationValues.DefaultFile} of the working directory, if it is there)");

    private readonly Option<string?> _host = OptionFactory.Text("--host", "ADDRESS", "IP address to listen on (default 127.0.0.1; 0.0.0.0 for every network)");
    private readonly Option<int?> _port = OptionFactory.Integer("--port", $"TCP port; 0 takes a free one (default {ServerAddress.DefaultPort})", 0, 65535);
    private readonly Option<string?> _apiKeyFile = OptionFactory.Text("--api-key-file", "FILE", "API keys as JSON; with any, clients need one (default: everybody may call)");
    private readonly Option<string?> _tlsCert = OptionFactory.Text("--tls-cert", "FILE", "TLS certificate, PEM, followed by those between it and its root (default: no TLS)");
    private readonly Option<string?> _tlsKey = OptionFactory.Text("--tls-key", "FILE", "Private key of --tls-cert, PEM; LLMSERVE_TLS_PASSWORD decrypts it");
    private readonly Option<string?> _tlsPfx = OptionFactory.Text("--tls-pfx", "FILE", "PKCS #12 file in place of --tls-cert and --tls-key");

    private readonly Option<ReflectionAccess?> _reflection = OptionFactory.Choice(
        "--reflection", "Describe the API to tools such as grpcurl; open: also without an API key (default on)",
        ("off", ReflectionAccess.Off), ("on", ReflectionAccess.On), ("open", ReflectionAccess.Open));

    private readonly Option<int?> _maxSequences = OptionFactory.Integer("--max-sequences", "Most answers generated at once (default 64)", 1, 1024);
    private readonly Option<int?> _maxQueue = OptionFactory.Integer("--max-queue", "Most requests that wait beyond those (default 256)", 0, 1_000_000);

    private readonly Option<float?> _maxTick = OptionFactory.Number(
        "--max-tick-ms", "While answers stream, read new prompts in steps of at most this many milliseconds (default 50)", 0.1f, 60_000);

    private readonly Option<long?> _kvMemory = OptionFactory.Size(
        "--kv-memory", "Memory for keys and values (default: one full context and 64 short ones, as far as memory allows)", 1 << 16, 1L << 46);

    private readonly Option<Toggle?> _prefixCache = OptionFactory.OnOff("--prefix-cache", "Keep what was read for requests that begin the same way (default on)");
    private readonly Option<long?> _maxRequest = OptionFactory.Size("--max-request-bytes", "Largest request (default 1MiB)", 1024, 1 << 30);
    private readonly Option<int?> _maxPrompt = OptionFactory.Integer("--max-prompt-tokens", "Longest prompt (default: the context)", 1);
    private readonly Option<int?> _maxOutput = OptionFactory.Integer("--max-output-tokens", "Longest answer (default: the context)", 1);

    private readonly Option<int?> _defaultOutput = OptionFactory.Integer(
        "--default-output-tokens", "Longest answer of a gRPC request that names no limit; 0: as long as the context holds (default 1024)", 0);

    private readonly Option<int?> _maxConnections = OptionFactory.Integer("--max-connections", "Most connections at once (default 4096)", 1);
    private readonly Option<int?> _maxConnectionsOfAddress = OptionFactory.Integer(
        "--max-connections-per-address", "Most connections of one address at once (default 1024)", 1);

    private readonly Option<int?> _maxOfClient = OptionFactory.Integer(
        "--max-requests-per-client", "Most requests of one API key, or address, that run or wait; 0: no limit (default 0)", 0);

    private readonly Option<int?> _maxRunningOfClient = OptionFactory.Integer(
        "--max-sequences-per-client", "Most of them that run at once, while others pass; 0: no limit (default 0)", 0);

    private readonly Option<int?> _metricsPort = OptionFactory.Integer("--metrics-port", "Serve metrics for Prometheus over HTTP on this port (default: none)", 0, 65535);
    private readonly Option<string?> _metricsHost = OptionFactory.Text("--metrics-host", "ADDRESS", "IP address of the metrics (default: that of --host)");
    private readonly Option<string?> _metricsPath = OptionFactory.Text("--metrics-path", "PATH", "Path of the metrics (default /metrics)");

    private readonly Option<Toggle?> _metricsKey = OptionFactory.OnOff("--metrics-key", "Ask for an API key on the metrics page too (default off)");

    private readonly Option<int?> _grace = OptionFactory.Integer(
        "--grace", "Seconds that running answers may go on after Ctrl-C or SIGTERM (default 10)", 0, LongestGrace);

    private readonly Option<bool> _log = OptionFactory.Switch("--log", "Log calls and failures to standard error (default: failures alone)");
    private readonly Option<LogFormat?> _format = OptionFactory.Choice(
        "--log-format", "How to log (default text)", ("text", LogFormat.Text), ("json", LogFormat.Json));

    private readonly Command _command;
    private readonly ModelOptions _model;

    private ServeOptionSet(Command command)
    {
        _command = command;
        foreach (var option in (Option[])[
            _config, _host, _port, _apiKeyFile, _tlsCert, _tlsKey, _tlsPfx, _reflection, _maxSequences, _maxQueue, _maxTick, _kvMemory, _prefixCache,
            _maxRequest, _maxPrompt, _maxOutput, _defaultOutput, _maxOfClient, _maxRunningOfClient, _maxConnections, _maxConnectionsOfAddress,
            _metricsPort, _metricsHost, _metricsPath, _metricsKey, _grace, _log, _format])
        {
            command.Options.Add(option);
        }

        _model = ModelOptions.AddTo(command);
        command.Validators.Add(result =>
        {
            if ((result.GetResult(_tlsCert) is null) != (result.GetResult(_tlsKey) is null))
            {
                result.AddError("--tls-cert and --tls-key belong together");
            }
            else if (result.GetResult(_tlsPfx) is not null && result.GetResult(_tlsCert) is not null)
            {
                result.AddError("--tls-pfx and --tls-cert exclude each other");
            }
            else if (result.GetResult(_metricsPort) is null && (result.GetResult(_metricsHost) ?? result.GetResult(_metricsPath)) is not null)
            {
                result.AddError("--metrics-host and --metrics-path need --metrics-port");
            }
        });
    }

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public static ServeOptionSet AddTo(Command command) => new(command);

    /// <summary>What the command line says, then the environment, then the configuration file, else the defaults.</summary>
    /// <exception cref="CliException">Something in the file or the environment, or in a file that they name, is wrong.</exception>
    public ServeSettings Read(ParseResult flags, IReadOnlyDictionary<string, string> environment)
    {
        var values = ConfigurationValues.Load(flags.GetValue(_config), environment);
        var parsed = ServeConfiguration.Apply(_command, flags, values, _config);
        var model = _model.Read(parsed);
        int? sequences = parsed.GetValue(_maxSequences);
        model = model with
        {
            Cpu = model.Cpu with { MaxSequences = sequences ?? model.Cpu.MaxSequences, KvBytes = parsed.GetValue(_kvMemory) ?? model.Cpu.KvBytes },
        };
        var log = new LogSettings(parsed.GetValue(_log) ? LogLevel.Information : LogLevel.Warning, parsed.GetValue(_format) ?? LogFormat.Text);
        var server = ReadServer(parsed, values) with { Metrics = ReadMetrics(parsed), OpenTelemetry = WantsOpenTelemetry(environment) };
        return new ServeSettings(model, ReadEngine(parsed), server, log)
        {
            Secrets = new SecretFiles(
                [parsed.GetValue(_apiKeyFile), parsed.GetValue(_tlsKey), parsed.GetValue(_tlsPfx)], [flags.GetValue(_config), parsed.GetValue(_tlsCert)],
                () => ReadSecrets(flags, environment)),
        };
    }

    /// <summary>Reads again what may change while the server runs.</summary>
    private Secrets ReadSecrets(ParseResult flags, IReadOnlyDictionary<string, string> environment)
    {
        var values = ConfigurationValues.Load(flags.GetValue(_config), environment);
        var parsed = ServeConfiguration.Apply(_command, flags, values, _config);
        return new Secrets(
            ApiKeyReader.Read(values, parsed.GetValue(_apiKeyFile)), ReadCertificate(parsed, values.Find(ServeConfiguration.TlsPassword)?.Text));
    }

    private EngineOptions ReadEngine(ParseResult parsed)
    {
        var usual = new EngineOptions();
        return usual with
        {
            MaxQueue = parsed.GetValue(_maxQueue) ?? usual.MaxQueue,
            MaxTickMilliseconds = parsed.GetValue(_maxTick) ?? usual.MaxTickMilliseconds,
            MaxRequestsPerClient = parsed.GetValue(_maxOfClient) ?? usual.MaxRequestsPerClient,
            MaxSequencesPerClient = parsed.GetValue(_maxRunningOfClient) ?? usual.MaxSequencesPerClient,
            PrefixCache = parsed.GetValue(_prefixCache) is { } keep ? keep == Toggle.On : usual.PrefixCache,
        };
    }

    private ServerOptions ReadServer(ParseResult parsed, ConfigurationValues values)
    {
        var usual = new ServerOptions();
        var reflection = parsed.GetValue(_reflection) ?? ReflectionAccess.On;
        return usual with
        {
            Host = parsed.GetValue(_host) ?? usual.Host,
            Port = parsed.GetValue(_port) ?? usual.Port,
            ApiKeys = ApiKeyReader.Read(values, parsed.GetValue(_apiKeyFile)),
            Certificate = ReadCertificate(parsed, values.Find(ServeConfiguration.TlsPassword)?.Text),
            Reflection = reflection != ReflectionAccess.Off,
            OpenReflection = reflection == ReflectionAccess.Open,
            MaxRequestBytes = (int)(parsed.GetValue(_maxRequest) ?? usual.MaxRequestBytes),
            MaxPromptTokens = parsed.GetValue(_maxPrompt),
            MaxOutputTokens = parsed.GetValue(_maxOutput),
            DefaultOutputTokens = parsed.GetValue(_defaultOutput) is not { } longest ? usual.DefaultOutputTokens : longest == 0 ? null : longest,
            MaxConnections = parsed.GetValue(_maxConnections) ?? usual.MaxConnections,
            MaxConnectionsPerAddress = parsed.GetValue(_maxConnectionsOfAddress) ?? usual.MaxConnectionsPerAddress,
            GracePeriod = parsed.GetValue(_grace) is { } seconds ? TimeSpan.FromSeconds(seconds) : usual.GracePeriod,
        };
    }

    private MetricsOptions? ReadMetrics(ParseResult parsed)
    {
        if (parsed.GetValue(_metricsPort) is not { } port)
        {
            return null;
        }

        var metrics = new MetricsOptions { Port = port, Host = parsed.GetValue(_metricsHost), AsksForKey = parsed.GetValue(_metricsKey) == Toggle.On };
        return parsed.GetValue(_metricsPath) is { } path ? metrics with { Path = path } : metrics;
    }

    /// <summary>The standard variables of OpenTelemetry say whether and where to export; without any of them nothing is.</summary>
    private static bool WantsOpenTelemetry(IReadOnlyDictionary<string, string> environment)
    {
        bool Has(string name) => environment.GetValueOrDefault(name) is { Length: > 0 };
        return !string.Equals(environment.GetValueOrDefault("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase)
            && (Has("OTEL_EXPORTER_OTLP_ENDPOINT") || Has("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") || Has("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"));
    }

    private ServerCertificate? ReadCertificate(ParseResult parsed, string? password) =>
        parsed.GetValue(_tlsPfx) is { } pfx ? ServerCertificate.FromPfx(pfx, password)
            : parsed.GetValue(_tlsCert) is { } certificate ? ServerCertificate.FromPem(certificate, parsed.GetValue(_tlsKey)!, password)
            : null;
}
