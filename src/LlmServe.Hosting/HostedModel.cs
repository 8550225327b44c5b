using LlmServe.Engine;
using LlmServe.Serving;
using LlmServe.Text;
using LlmServe.Text.Templates;

namespace LlmServe.Hosting;

/// <summary>A model with its engine at work, and the draft model that helps it, if any.</summary>
public sealed class HostedModel : IAsyncDisposable
{
    private HostedModel(LoadedModel model, LoadedModel? draft, LlmEngine engine)
    {
        Model = model;
        Draft = draft;
        Engine = engine;
        Served = Describe(model, engine);
    }

    /// <summary>The model.</summary>
    public LoadedModel Model { get; }

    /// <summary>Its draft model; null: none.</summary>
    public LoadedModel? Draft { get; }

    /// <summary>What generates.</summary>
    public LlmEngine Engine { get; }

    /// <summary>Text to token ids and back.</summary>
    public ITokenizer Tokenizer => Model.Tokenizer;

    /// <summary>The model as a server offers it.</summary>
    public ServedModel Served { get; }

    /// <summary>Why the model's chat template cannot be used; null: it can, or there is none.</summary>
    public string? TemplateProblem => Served.Template is null && Served.TemplateSource.Length > 0 ? ProblemOf(Served.TemplateSource) : null;

    /// <summary>What runs, for people.</summary>
    public string Description => $"{Model.Id} on {Model.Executor.Backend}" + (Draft is null ? "" : $", drafted by {Draft.Id}");

    /// <summary>Loads a model and starts its engine.</summary>
    /// <param name="settings">Which model, how to compile it, and how far to guess ahead; null: the embedded one as it is.</param>
    /// <param name="options">How to schedule; null: as usual. What the compiled program's row table holds decides over its sizes.</param>
    /// <param name="loader">Finds and loads it; null: as the <c>llmserve</c> command does.</param>
    /// <param name="watcher">Sees how the loading goes; null: nobody does.</param>
    /// <param name="warns">Whether the watcher is told what is odd about the model; a server says it in its log instead.</param>
    /// <param name="cancellation">Gives up loading.</param>
    /// <exception cref="OptionException">There is no such model, or it cannot be used so.</exception>
    /// <exception cref="LlmServe.Gguf.GgufException">The file is broken or of a kind that is not supported.</exception>
    public static async Task<HostedModel> StartAsync(
        ModelSettings? settings = null, EngineOptions? options = null, ModelLoader? loader = null, ILoadWatcher? watcher = null, bool warns = true,
        CancellationToken cancellation = default)
    {
        settings ??= new ModelSettings();
        loader ??= new ModelLoader(caches: CachePlaces.ForProcess());
        watcher ??= new QuietLoadWatcher();
        var model = await loader.LoadAsync(settings, nameof(ModelSettings.Path), warns, watcher, cancellation).ConfigureAwait(false);
        LoadedModel? draft = null;
        try
        {
            draft = await DraftLoader.LoadAsync(loader, settings, model, warns, watcher, cancellation).ConfigureAwait(false);
            var engine = new LlmEngine(model.Executor, model.Tokenizer, (options ?? new EngineOptions()) with
            {
                MaxSequences = model.Executor.Rows.Slots,
                MaxRowsPerTick = model.Executor.Rows.Capacity,
                Name = model.Id,
                Speculate = settings.Speculate,
            }, draft is null ? null : DraftLoader.Describe(draft, watcher));
            model.HandOverExecutor();
            draft?.HandOverExecutor();
            return new HostedModel(model, draft, engine);
        }
        catch (Exception error)
        {
            draft?.Dispose();
            model.Dispose();
            if (error is ArgumentException wrong and not OptionException)
            {
                throw new OptionException(wrong.ParamName ?? "", PlainMessage.Of(wrong), error);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync().ConfigureAwait(false);
        Draft?.Dispose();
        Model.Dispose();
    }

    private static ServedModel Describe(LoadedModel model, LlmEngine engine)
    {
        string source = model.TemplateSource ?? "";
        return new ServedModel
        {
            Id = model.Id,
            Name = model.DisplayName,
            Engine = engine,
            Quantization = model.Quantization,
            ParameterCount = model.ParameterCount,
            TemplateSource = source,
            Template = source.Length == 0 || ProblemOf(source) is not null ? null : ChatTemplate.Parse(source),
        };
    }

    private static string? ProblemOf(string template)
    {
        try
        {
            ChatTemplate.Parse(template);
            return null;
        }
        catch (TemplateException error)
        {
            return error.Message;
        }
    }
}
