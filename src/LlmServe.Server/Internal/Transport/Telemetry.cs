using System.Net;
using System.Net.Sockets;
using LlmServe.Engine.Telemetry;
using LlmServe.Http;
using LlmServe.Server.Internal.Access;
using LlmServe.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace LlmServe.Server.Internal.Transport;

/// <summary>
/// Exports metrics and traces. Nothing of it, its libraries included, is loaded unless a server's options ask for it: instruments that nobody
/// listens to cost next to nothing.
/// </summary>
internal sealed class Telemetry : IAsyncDisposable
{
    private readonly MeterProvider _meters;
    private readonly TracerProvider? _traces;
    private readonly WebApplication? _page;

    private Telemetry(MeterProvider meters, TracerProvider? traces, WebApplication? page)
    {
        _meters = meters;
        _traces = traces;
        _page = page;
    }

    /// <summary>Where Prometheus finds the metrics; null: nowhere.</summary>
    public Uri? Address { get; private set; }

    /// <summary>Starts to collect and to export.</summary>
    /// <param name="options">What to export, and where to.</param>
    /// <param name="clients">Who may see the page, where it asks for a key.</param>
    /// <param name="listening">Where the server listens, and its page too unless it has an address of its own.</param>
    /// <param name="loggers">Where failures of the page are logged.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="ArgumentException">The host of the page is no address.</exception>
    /// <exception cref="ListenException">The address of the page cannot be bound.</exception>
    public static async Task<Telemetry> StartAsync(
        ServerOptions options, ClientDirectory clients, IPAddress listening, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var address = options.Metrics is { Host: { } host } ? ServerBuilder.ParseHost(host, options.Metrics.Port, $"{nameof(ServerOptions.Metrics)}.{nameof(MetricsOptions.Host)}") : listening;
        var meters = BuildMeters(options);
        var traces = options.OpenTelemetry ? BuildTraces() : null;
        if (options.Metrics is not { } metrics)
        {
            return new Telemetry(meters, traces, null);
        }

        var page = BuildPage(meters, metrics, clients, address, loggers);
        var telemetry = new Telemetry(meters, traces, page);
        try
        {
            await page.StartAsync(cancellationToken).ConfigureAwait(false);
            telemetry.Address = AddressOf(page, address, metrics.Path);
            return telemetry;
        }
        catch (Exception error)
        {
            await telemetry.DisposeAsync().ConfigureAwait(false);
            if (error is not (IOException or SocketException))
            {
                throw;
            }

            throw new ListenException(
                $"{nameof(ServerOptions.Metrics)}.{nameof(MetricsOptions.Port)}",
                $"the metrics page cannot listen on {new IPEndPoint(address, metrics.Port)}: {error.Message.TrimEnd('.')}", error);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_page is not null)
        {
            await _page.DisposeAsync().ConfigureAwait(false);
        }

        // Sends what is not sent yet.
        _traces?.Dispose();
        _meters.Dispose();
    }

    private static MeterProvider BuildMeters(ServerOptions options)
    {
        var builder = Sdk.CreateMeterProviderBuilder().ConfigureResource(Describe)
            .AddMeter(EngineTelemetry.MeterName).AddAspNetCoreInstrumentation().AddMeter("System.Runtime");
        if (options.Metrics is not null)
        {
            builder.AddPrometheusExporter();
        }

        if (options.OpenTelemetry)
        {
            builder.AddOtlpExporter();
        }

        return builder.Build();
    }

    private static TracerProvider BuildTraces() => Sdk.CreateTracerProviderBuilder().ConfigureResource(Describe)
        .AddSource(EngineTelemetry.ActivitySourceName).AddAspNetCoreInstrumentation().AddOtlpExporter().Build();

    private static void Describe(ResourceBuilder resource)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME")))
        {
            resource.AddService("llmserve", serviceVersion: typeof(Telemetry).Assembly.GetName().Version?.ToString(3));
        }
    }

    private static WebApplication BuildPage(MeterProvider meters, MetricsOptions metrics, ClientDirectory clients, IPAddress address, ILoggerFactory loggers)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Listen(address, metrics.Port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton<IHostLifetime, OwnerLifetime>();
        var page = builder.Build();
        if (metrics.AsksForKey)
        {
            page.Use((http, next) => clients.FindByKey(ClientAuthentication.KeyOf(http.Request.Headers)) is not null
                ? next(http) : OpenAiErrors.WriteAsync(http, ClientAuthentication.NoKey(http.Request.Headers)));
        }

        page.UseOpenTelemetryPrometheusScrapingEndpoint(meters, null, metrics.Path, null, null);
        return page;
    }

    private static Uri AddressOf(WebApplication page, IPAddress address, string path)
    {
        string bound = page.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new Uri(new Uri($"http://{ServerBuilder.Reachable(address, new Uri(bound).Port)}"), path);
    }
}
