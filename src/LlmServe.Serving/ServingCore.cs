using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmServe.Serving;

/// <summary>
/// A server without a transport: its models, its clients, and what every call passes. Fronts (gRPC, HTTP) translate between their protocol and this, and
/// do nothing else. Thread-safe.
/// </summary>
public sealed class ServingCore : IDisposable
{
    private readonly CallGate _gate = new();
    private readonly TextWorkers _workers;
    private readonly RuleCompilers _rules = new();
    private readonly ILogger _logger;

    /// <summary>Puts a server together.</summary>
    /// <param name="models">The models, the default one first.</param>
    /// <param name="options">What to take, and from whom.</param>
    /// <param name="loggers">Where log messages go; null: nowhere.</param>
    /// <exception cref="ArgumentException">An option or a model's id is not allowed.</exception>
    public ServingCore(IReadOnlyList<ServedModel> models, ServingOptions options, ILoggerFactory? loggers = null)
    {
        options.Validate();
        Options = options;
        Models = new ModelCatalog(models);
        Clients = new ClientDirectory(options.ApiKeys);
        _logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger<ServingCore>();
        _workers = new TextWorkers(options.TextWorkers == 0 ? 1 : options.TextWorkers);
        Budget = new RequestBudget(options.MaxRequestBytes);
        Calls = new CallPipeline(Clients, _gate, _logger);
        var limits = new TokenLimits(options);
        var prompts = new PromptReader(_workers, limits, options);
        Generations = new GenerationService(limits, prompts, _rules, Totals);
        Plans = new RequestPlanner(limits, prompts, Generations, _workers);
        Texts = new TextService(_workers);
        foreach (var model in Models.All.DistinctBy(model => model.Engine))
        {
            WatchForFailure(model);
        }
    }

    /// <summary>What the server takes.</summary>
    public ServingOptions Options { get; }

    /// <summary>Its models.</summary>
    public ModelCatalog Models { get; }

    /// <summary>Its clients.</summary>
    public ClientDirectory Clients { get; }

    /// <summary>What every call passes.</summary>
    public CallPipeline Calls { get; }

    /// <summary>Bounds what is received.</summary>
    public RequestBudget Budget { get; }

    /// <summary>Whether calls are welcome.</summary>
    public ServingHealth Health { get; } = new();

    /// <summary>What all answers together took.</summary>
    public ServingTotals Totals { get; } = new();

    /// <summary>Generates.</summary>
    public GenerationService Generations { get; }

    /// <summary>Says what a generation would get.</summary>
    public RequestPlanner Plans { get; }

    /// <summary>Tokenizes.</summary>
    public TextService Texts { get; }

    /// <summary>Most generations that the engines run and queue.</summary>
    public long Capacity => Models.All.Select(model => model.Engine).Distinct().Sum(engine => (long)engine.Capacity);

    /// <summary>Calls that run now.</summary>
    public int RunningCalls => _gate.Running;

    /// <summary>
    /// Refuses new calls from now on, lets running ones finish until the grace period ends, and stops the engines.
    /// </summary>
    /// <returns>Completes when the engines have stopped; its result completes when no call runs any more.</returns>
    public async Task<Task> StopAsync()
    {
        Health.Close();
        var drained = _gate.Close();
        Log.Stopping(_logger, _gate.Running, Options.GracePeriod);
        var engines = Models.All.Select(model => model.Engine).Distinct();
        await Task.WhenAll(engines.Select(engine => engine.StopAsync(Options.GracePeriod))).ConfigureAwait(false);
        return drained;
    }

    /// <summary>Health and the log tell of a failed engine at once, whether or not anybody waits for an answer then.</summary>
    private void WatchForFailure(ServedModel model) => _ = model.Engine.Completion.ContinueWith(
        ended =>
        {
            Health.Close();
            Log.EngineFailed(_logger, ended.Exception!.GetBaseException(), model.Id);
        },
        CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    /// <inheritdoc/>
    public void Dispose()
    {
        _workers.Dispose();
        _rules.Dispose();
    }
}
