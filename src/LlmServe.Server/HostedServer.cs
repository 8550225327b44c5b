using LlmServe.Cpu;
using LlmServe.Engine;
using LlmServe.Hosting;
using LlmServe.Serving;
using Microsoft.Extensions.Logging;

namespace LlmServe.Server;

/// <summary>A server in this process, with the model that it serves.</summary>
public sealed class HostedServer : IAsyncDisposable
{
    /// <summary>Fewest processors of which one is left to the server's own work: with fewer, a processor is worth more to the model.</summary>
    private const int ManyProcessors = 4;

    private readonly LlmServeHost _host;

    private HostedServer(HostedModel model, LlmServeHost host)
    {
        Model = model;
        _host = host;
    }

    /// <summary>The model.</summary>
    public HostedModel Model { get; }

    /// <summary>Where clients on this machine reach it.</summary>
    public Uri Address => _host.Address;

    /// <summary>Where Prometheus reads its metrics; null: nowhere.</summary>
    public Uri? MetricsAddress => _host.MetricsAddress;

    /// <summary>Loads a model and starts to serve it.</summary>
    /// <param name="settings">Which model, and how to compile it; null: the embedded one as it is.</param>
    /// <param name="options">Where to listen, whom to let in, what to take; null: 127.0.0.1:8080, everybody.</param>
    /// <param name="engine">How to schedule; null: as usual.</param>
    /// <param name="loggers">Where the server logs; null: nowhere.</param>
    /// <param name="loader">Finds and loads the model; null: as the <c>llmserve</c> command does.</param>
    /// <param name="watcher">Sees how the loading goes; null: nobody does.</param>
    /// <param name="cancellation">Gives up starting.</param>
    /// <exception cref="OptionException">There is no such model, or an option is not allowed.</exception>
    /// <exception cref="ListenException">The address cannot be used.</exception>
    /// <exception cref="LlmServe.Gguf.GgufException">The file is broken or of a kind that is not supported.</exception>
    public static async Task<HostedServer> StartAsync(
        ModelSettings? settings = null, ServerOptions? options = null, EngineOptions? engine = null, ILoggerFactory? loggers = null,
        ModelLoader? loader = null, ILoadWatcher? watcher = null, CancellationToken cancellation = default)
    {
        settings ??= new ModelSettings();
        settings = settings with { Cpu = WithLanes(settings.Cpu) };
        options ??= new ServerOptions();

        // The machine is measured now rather than at the first prediction, which would fall into somebody's stream.
        // What is odd about the model, a server that logs says in its log.
        var model = await HostedModel.StartAsync(
            settings, (engine ?? new EngineOptions()) with { MeasureFirst = true }, loader, watcher, warns: loggers is null, cancellation).ConfigureAwait(false);
        try
        {
            if (model.TemplateProblem is { } problem)
            {
                watcher?.Note($"the model's chat template cannot be used, so there is no chat: {problem}");
            }

            int workers = options.TextWorkers > 0 ? options.TextWorkers : Math.Max(1, Environment.ProcessorCount - LanesOf(settings.Cpu));
            var host = await LlmServeHost.StartAsync([model.Served], options with { TextWorkers = workers }, loggers, cancellation).ConfigureAwait(false);
            return new HostedServer(model, host);
        }
        catch
        {
            await model.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>As <see cref="LlmServeHost.ReplaceKeys"/>.</summary>
    public void ReplaceKeys(IReadOnlyList<ApiKey> keys) => _host.ReplaceKeys(keys);

    /// <summary>As <see cref="LlmServeHost.ReplaceCertificate"/>.</summary>
    public void ReplaceCertificate(ServerCertificate certificate) => _host.ReplaceCertificate(certificate);

    /// <summary>Refuses new calls and waits for running ones as long as the grace period says.</summary>
    public Task StopAsync() => _host.StopAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync().ConfigureAwait(false);
        await Model.DisposeAsync().ConfigureAwait(false);
    }

    private static CpuOptions WithLanes(CpuOptions cpu) => cpu.Lanes > 0 || Environment.ProcessorCount < ManyProcessors
        ? cpu : cpu with { Lanes = Environment.ProcessorCount - 1 };

    private static int LanesOf(CpuOptions cpu) => cpu.Lanes > 0 ? cpu.Lanes : Environment.ProcessorCount;
}
