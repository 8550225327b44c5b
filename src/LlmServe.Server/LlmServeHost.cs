using System.Net;
using System.Net.Sockets;
using LlmServe.Server.Internal;
using LlmServe.Server.Internal.Transport;
using LlmServe.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmServe.Server;

/// <summary>
/// A running server: gRPC and HTTP on one port, with or without TLS and API keys, with health and reflection. It lives in the process that starts it,
/// reads no configuration of its own and handles no signals; its owner decides when it stops.
/// </summary>
public sealed class LlmServeHost : IAsyncDisposable
{
    /// <summary>Time for the connections to close once no call runs any more.</summary>
    private static readonly TimeSpan Closing = TimeSpan.FromMilliseconds(500);

    private readonly WebApplication _app;
    private readonly ServingCore _core;
    private readonly ServerOptions _options;
    private readonly TlsSettings? _tls;
    private readonly ILogger _logger;
    private readonly Lazy<Task> _stop;
    private IAsyncDisposable? _telemetry;

    private LlmServeHost(WebApplication app, ServingCore core, ServerOptions options, TlsSettings? tls)
    {
        _tls = tls;
        _app = app;
        _core = core;
        _options = options;
        _logger = app.Services.GetRequiredService<ILogger<LlmServeHost>>();
        _stop = new Lazy<Task>(StopOnceAsync);
        Address = new Uri("http://127.0.0.1");
        Endpoint = new IPEndPoint(IPAddress.Loopback, 0);
    }

    /// <summary>The address and port that the server listens on.</summary>
    public IPEndPoint Endpoint { get; private set; }

    /// <summary>Where clients on this machine reach the server, such as <c>http://127.0.0.1:8080</c>.</summary>
    public Uri Address { get; private set; }

    /// <summary>Where Prometheus reads metrics, such as <c>http://127.0.0.1:9464/metrics</c>; null: nowhere.</summary>
    public Uri? MetricsAddress { get; private set; }

    /// <summary>LlmServe calls that run now.</summary>
    internal int RunningCalls => _core.RunningCalls;

    /// <summary>Starts a server.</summary>
    /// <param name="models">The models, the default one first.</param>
    /// <param name="options">Where to listen and what to take; null: the defaults.</param>
    /// <param name="loggers">Where log messages go; null: nowhere.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="ArgumentException">An option or a model's id is not allowed.</exception>
    /// <exception cref="ListenException">The address cannot be bound, for example because another program has the port.</exception>
    public static async Task<LlmServeHost> StartAsync(
        IReadOnlyList<ServedModel> models, ServerOptions? options = null, ILoggerFactory? loggers = null, CancellationToken cancellationToken = default)
    {
        options ??= new ServerOptions();
        loggers ??= NullLoggerFactory.Instance;
        var core = new ServingCore(models, options, loggers);
        WebApplication? app = null;
        try
        {
            var address = ServerBuilder.ParseHost(options.Host, options.Port, nameof(ServerOptions.Host));
            var tls = options.Certificate is { } certificate ? new TlsSettings(certificate) : null;
            app = ServerBuilder.Build(core, options, tls, address, loggers);
            var host = new LlmServeHost(app, core, options, tls);
            if (options.Metrics is not null || options.OpenTelemetry)
            {
                await host.StartTelemetryAsync(address, loggers, cancellationToken).ConfigureAwait(false);
            }

            await host.ListenAsync(address, cancellationToken).ConfigureAwait(false);
            return host;
        }
        catch
        {
            await (app?.DisposeAsync() ?? ValueTask.CompletedTask).ConfigureAwait(false);
            core.Dispose();
            throw;
        }
    }

    /// <summary>Lets in the owners of these keys from now on, and nobody else. Calls that run go on.</summary>
    /// <exception cref="OptionException">A key is not allowed, two are alike, or a server with keys would have none or the reverse.</exception>
    public void ReplaceKeys(IReadOnlyList<ApiKey> keys)
    {
        _core.Clients.Replace(keys);
        if (keys.Count > 0)
        {
            Log.KeysReplaced(_logger, keys.Count);
        }
    }

    /// <summary>Shows another certificate from now on. Connections that are open keep theirs.</summary>
    /// <exception cref="InvalidOperationException">The server has no TLS.</exception>
    public void ReplaceCertificate(ServerCertificate certificate)
    {
        (_tls ?? throw new InvalidOperationException("The server was started without TLS.")).Replace(certificate);
        Log.CertificateReplaced(_logger, certificate.Leaf.NotAfter.ToUniversalTime());
        WarnOfWrongDates(certificate);
    }

    /// <summary>
    /// Stops the server and its engines: new calls get UNAVAILABLE and health says NOT_SERVING at once; running calls finish, or end with
    /// UNAVAILABLE when <see cref="ServingOptions.GracePeriod"/> is over. Safe to call more than once: all calls wait for the same stop.
    /// </summary>
    public Task StopAsync() => _stop.Value;

    /// <summary>Stops the server as <see cref="StopAsync"/> does and frees its port.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        await StopTelemetryAsync().ConfigureAwait(false);
        _core.Dispose();
    }

    private async Task StartTelemetryAsync(IPAddress address, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var telemetry = await Telemetry.StartAsync(_options, _core.Clients, address, loggers, cancellationToken).ConfigureAwait(false);
        _telemetry = telemetry;
        MetricsAddress = telemetry.Address;
    }

    private ValueTask StopTelemetryAsync() => Interlocked.Exchange(ref _telemetry, null)?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task ListenAsync(IPAddress address, CancellationToken cancellationToken)
    {
        try
        {
            await _app.StartAsync(cancellationToken).ConfigureAwait(false);
            Open(address);
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            await StopTelemetryAsync().ConfigureAwait(false);
            throw new ListenException(
                nameof(ServerOptions.Port), $"cannot listen on {new IPEndPoint(address, _options.Port)}: {error.Message.TrimEnd('.')}", error);
        }
        catch
        {
            await StopTelemetryAsync().ConfigureAwait(false);
            throw;
        }
    }

    private void Open(IPAddress address)
    {
        string bound = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Endpoint = new IPEndPoint(address, new Uri(bound).Port);
        Address = new Uri($"{(_options.Certificate is null ? "http" : "https")}://{ServerBuilder.Reachable(address, Endpoint.Port)}");
        _core.Health.Open();
        Log.Started(_logger, string.Join(", ", _core.Models.All.Select(model => model.Id)), Address);
        if (MetricsAddress is { } metrics)
        {
            Log.MetricsAt(_logger, metrics);
            if (_options.Metrics is { AsksForKey: false } && !IPAddress.IsLoopback(MetricsEndpoint(address)))
            {
                Log.OpenMetrics(_logger, metrics);
            }
        }

        if (!IPAddress.IsLoopback(address))
        {
            WarnOfOpenDoors();
        }

        WarnOfWrongDates(_options.Certificate);
        foreach (var model in _core.Models.All)
        {
            foreach (string warning in model.Engine.Model.Warnings.Concat(model.Engine.Tokenizer.Warnings))
            {
                Log.OddModel(_logger, model.Id, warning);
            }
        }
    }

    private IPAddress MetricsEndpoint(IPAddress address) =>
        _options.Metrics?.Host is { } host ? ServerBuilder.ParseHost(host, 0, nameof(MetricsOptions.Host)) : address;

    private void WarnOfOpenDoors()
    {
        if (_options.ApiKeys.Count == 0)
        {
            Log.NoKeys(_logger, Endpoint);
        }
        else if (_options.Certificate is null)
        {
            Log.KeysInTheClear(_logger, Endpoint);
        }
    }

    private void WarnOfWrongDates(ServerCertificate? certificate)
    {
        // A certificate's times are local ones.
        if (certificate?.Leaf is { } leaf && (DateTime.Now < leaf.NotBefore || DateTime.Now > leaf.NotAfter))
        {
            Log.CertificateOutOfDate(_logger, leaf.NotBefore.ToUniversalTime(), leaf.NotAfter.ToUniversalTime());
        }
    }

    private async Task StopOnceAsync()
    {
        var drained = await _core.StopAsync().ConfigureAwait(false);

        // The engines are done; what is left is answers on their way to their clients. A client that does not read is not waited for.
        if (await Task.WhenAny(drained, Task.Delay(Closing)).ConfigureAwait(false) != drained)
        {
            Log.CutOff(_logger, _core.RunningCalls);
        }

        using var limit = new CancellationTokenSource(Closing);
        await _app.StopAsync(limit.Token).ConfigureAwait(false);
        Log.Stopped(_logger);
    }
}
