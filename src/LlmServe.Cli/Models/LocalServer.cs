using System.Net.Sockets;
using LlmServe.Cli.App;
using LlmServe.Cli.Options;
using LlmServe.Engine;
using LlmServe.Server;
using LlmServe.Serving;
using LlmServe.Text.Templates;
using Microsoft.Extensions.Logging;

namespace LlmServe.Cli.Models;

/// <summary>A server in this process, with the model that it serves.</summary>
internal sealed class LocalServer : IAsyncDisposable
{
    private readonly RunningModel _running;
    private readonly LlmServeHost _host;

    private LocalServer(RunningModel running, LlmServeHost host)
    {
        _running = running;
        _host = host;
    }

    /// <summary>Where clients on this machine reach it.</summary>
    public Uri Address => _host.Address;

    /// <summary>Where Prometheus reads its metrics; null: nowhere.</summary>
    public Uri? MetricsAddress => _host.MetricsAddress;

    /// <summary>What runs, for people.</summary>
    public string Description => $"{_running.Model.Id} on {_running.Model.Executor.Backend}" + (_running.Draft is { } draft ? $", drafted by {draft.Id}" : "");

    /// <summary>What its engine is doing.</summary>
    public EngineStatistics Statistics => _running.Engine.Statistics;

    /// <summary>Bytes of a KV block.</summary>
    public long KvBlockBytes => _running.Model.Executor.Memory.KvGroups.Sum(g => g.BlockBytes);

    /// <summary>Loads the model and starts to serve it.</summary>
    /// <param name="services">Console, model loader, interrupts.</param>
    /// <param name="settings">Which model, and how to compile it.</param>
    /// <param name="options">Where to listen.</param>
    /// <param name="engineOptions">How to schedule.</param>
    /// <param name="loggers">Where the host logs; null: nowhere.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="CliException">There is no such model, or the address cannot be used.</exception>
    public static async Task<LocalServer> StartAsync(
        CliServices services, ModelSettings settings, ServerOptions options, EngineOptions engineOptions, ILoggerFactory? loggers, CancellationToken cancellation)
    {
        // The machine is measured now rather than at the first prediction, which would fall into somebody's stream.
        var running = await RunningModel.StartAsync(services, settings with { TellsWarnings = loggers is null }, engineOptions with { MeasureFirst = true }, cancellation);
        try
        {
            var host = await LlmServeHost.StartAsync([Describe(services, running)], options, loggers, cancellation);
            return new LocalServer(running, host);
        }
        catch (Exception error)
        {
            await running.DisposeAsync();
            throw Explain(options, error);
        }
    }

    /// <summary>Refuses new calls and waits for running ones as long as the grace period says.</summary>
    public Task StopAsync() => _host.StopAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _running.DisposeAsync();
    }

    private static ServedModel Describe(CliServices services, RunningModel running)
    {
        var model = running.Model;
        var served = new ServedModel
        {
            Id = model.Id,
            Name = model.DisplayName,
            Engine = running.Engine,
            Quantization = model.Quantization,
            ParameterCount = model.ParameterCount,
        };
        if (model.TemplateSource is not { } source)
        {
            return served;
        }

        try
        {
            return served with { Template = ChatTemplate.Parse(source), TemplateSource = source };
        }
        catch (TemplateException error)
        {
            services.Console.WriteNote($"the model's chat template cannot be used, so there is no chat: {error.Message}");
            return served with { TemplateSource = source };
        }
    }

    private static Exception Explain(ServerOptions options, Exception error) => error switch
    {
        IOException when error.Message.StartsWith("the metrics page", StringComparison.Ordinal) => new CliException(
            $"{Sentence(error)}; choose another --metrics-port (0: any free one) or --metrics-host", ExitCode.Failure, error),
        IOException or SocketException or ArgumentException { ParamName: nameof(ServerOptions.Host) } => new CliException(
            $"cannot listen on {options.Host}:{options.Port}: {Sentence(error)}; choose another --port (0: any free one) or --host",
            ExitCode.Failure, error),
        ArgumentException => new CliException(Sentence(error), ExitCode.Failure, error),
        _ => error,
    };

    private static string Sentence(Exception error) => error.Message.Split(" (Parameter")[0].TrimEnd('.');
}
