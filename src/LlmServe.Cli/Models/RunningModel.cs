using LlmServe.Cli.App;
using LlmServe.Cli.Options;
using LlmServe.Engine;

namespace LlmServe.Cli.Models;

/// <summary>A model with its engine at work, and the draft model that helps it, if any.</summary>
internal sealed class RunningModel : IAsyncDisposable
{
    private RunningModel(LoadedModel model, LoadedModel? draft, LlmEngine engine)
    {
        Model = model;
        Draft = draft;
        Engine = engine;
    }

    /// <summary>The model.</summary>
    public LoadedModel Model { get; }

    /// <summary>Its draft model; null: none.</summary>
    public LoadedModel? Draft { get; }

    /// <summary>What generates.</summary>
    public LlmEngine Engine { get; }

    /// <summary>Loads what the settings name, and starts the engine.</summary>
    /// <param name="services">Console and model loader.</param>
    /// <param name="settings">Which model and draft, how to compile them, and how far to guess ahead.</param>
    /// <param name="options">How to schedule. What the compiled program's row table holds decides over its sizes.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="CliException">There is no such model, or it cannot be used.</exception>
    public static async Task<RunningModel> StartAsync(CliServices services, ModelSettings settings, EngineOptions options, CancellationToken cancellation)
    {
        var model = await services.Models.LoadAsync(services.Console, settings, cancellation);
        LoadedModel? draft = null;
        try
        {
            draft = await DraftLoader.LoadAsync(services, settings, model, cancellation);
            var engine = new LlmEngine(model.Executor, model.Tokenizer, options with
            {
                MaxSequences = model.Executor.Rows.Slots,
                MaxRowsPerTick = model.Executor.Rows.Capacity,
                Name = model.Id,
                Speculate = settings.Speculate,
            }, draft is null ? null : DraftLoader.Describe(services, draft));
            model.HandOverExecutor();
            draft?.HandOverExecutor();
            return new RunningModel(model, draft, engine);
        }
        catch (Exception error)
        {
            draft?.Dispose();
            model.Dispose();
            if (error is ArgumentException)
            {
                throw new CliException(error.Message.Split(" (Parameter")[0].TrimEnd('.'), ExitCode.Failure, error);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        Draft?.Dispose();
        Model.Dispose();
    }
}
