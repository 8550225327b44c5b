using LlmServe.Cpu;
using LlmServe.Gguf;
using LlmServe.Serving;
using LlmServe.Text;

namespace LlmServe.Hosting;

/// <summary>From a path, or none, to a model that is ready to run.</summary>
public sealed class ModelLoader
{
    private readonly ModelFinder _finder;
    private readonly ExecutorFactory _compile;
    private readonly CachePlaces? _caches;

    /// <param name="finder">Null: that of this process.</param>
    /// <param name="compile">Null: the CPU.</param>
    /// <param name="caches">Where is kept what can be made again; null: nowhere.</param>
    public ModelLoader(ModelFinder? finder = null, ExecutorFactory? compile = null, CachePlaces? caches = null)
    {
        _caches = caches;
        _finder = finder ?? ModelFinder.ForProcess();
        _compile = compile ?? CpuBackend.Load;
    }

    /// <summary>Opens a model file without running it.</summary>
    /// <param name="path">The file; null: as in <see cref="ModelSettings.Path"/>.</param>
    /// <exception cref="OptionException">There is no such file.</exception>
    /// <exception cref="GgufException">The file is broken.</exception>
    public GgufFile Open(string? path) => GgufFile.Open(_finder.Find(path));

    /// <summary>Loads a model, without its draft.</summary>
    /// <param name="settings">Which, and how.</param>
    /// <param name="watcher">Sees how it goes; null: nobody does.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="OptionException">There is no such file.</exception>
    /// <exception cref="GgufException">The file is broken or of a kind that is not supported.</exception>
    public Task<LoadedModel> LoadAsync(ModelSettings settings, ILoadWatcher? watcher = null, CancellationToken cancellation = default) =>
        LoadAsync(settings, nameof(ModelSettings.Path), true, watcher ?? new QuietLoadWatcher(), cancellation);

    /// <summary>The options with the folder in which the machine's profile is kept, unless they say otherwise.</summary>
    public CpuOptions WithProfileCache(CpuOptions options, bool refresh = false) =>
        options.ProfileCache is null && _caches?.UserFolder("profiles") is { } folder ? options with { ProfileCache = new ProfileCacheOptions(folder, refresh) } : options;

    /// <summary>Loads a model that an option of this name named.</summary>
    /// <param name="settings">Which, and how.</param>
    /// <param name="option">The option.</param>
    /// <param name="warns">Whether the watcher is told what is odd about the model.</param>
    /// <param name="watcher">Sees how it goes.</param>
    /// <param name="cancellation">Gives up.</param>
    internal async Task<LoadedModel> LoadAsync(ModelSettings settings, string option, bool warns, ILoadWatcher watcher, CancellationToken cancellation)
    {
        string path = _finder.Find(settings.Path, option);
        string file = Path.GetFileName(path);
        var cpu = WithProfileCache(settings.Cpu) with { RepackCache = _caches?.RepackCache(settings.RepackCache, path, watcher.Note) };
        var model = await watcher.RunAsync(file, progress => Load(path, cpu, progress), cancellation).ConfigureAwait(false);
        foreach (string warning in warns ? model.Warnings : [])
        {
            watcher.Note($"warning: {file}: {warning}");
        }

        return model;
    }

    private LoadedModel Load(string path, CpuOptions options, IProgress<LoadProgress>? progress)
    {
        // Closed again when all is loaded: what it says stays, its data is the executor's by then, and the disk may have the place of a file that is replaced.
        using var file = GgufFile.Open(path);

        // The vocabulary takes about as long as compiling and reading the weights.
        var tokenizer = Task.Run(() => TokenizerFactory.Create(file.Metadata));
        return LoadedModel.Create(path, file, _compile(file, options, progress), tokenizer);
    }
}
