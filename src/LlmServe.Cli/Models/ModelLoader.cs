using System.Collections.Concurrent;
using LlmServe.Cli.App;
using LlmServe.Cli.Options;
using LlmServe.Cli.Terminal;
using LlmServe.Cpu;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Text;

namespace LlmServe.Cli.Models;

/// <summary>Compiles an open model for a backend; the seam at which tests put a fake.</summary>
internal delegate IProgramExecutor ExecutorFactory(GgufFile file, CpuOptions options, IProgress<LoadProgress>? progress);

/// <summary>From a path, or none, to a model that runs: the one composition that every command uses.</summary>
internal sealed class ModelLoader
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
    /// <param name="path">The value of <c>--model</c>, or null.</param>
    /// <exception cref="CliException">There is no such file.</exception>
    /// <exception cref="GgufException">The file is broken.</exception>
    public GgufFile Open(string? path) => GgufFile.Open(_finder.Find(path));

    /// <summary>Loads a model, with a progress bar where a person sees it.</summary>
    /// <exception cref="CliException">There is no such file.</exception>
    /// <exception cref="GgufException">The file is broken or of a kind that is not supported.</exception>
    public async Task<LoadedModel> LoadAsync(CliConsole console, ModelSettings settings, CancellationToken cancellation)
    {
        string path = _finder.Find(settings.Path, settings.Origin);
        var notes = new ConcurrentQueue<string>();
        var cpu = WithProfileCache(settings.Cpu) with { RepackCache = _caches?.RepackCache(settings.RepackCache, path, notes.Enqueue) };
        try
        {
            var model = await LoadProgressBar.RunAsync(console, System.IO.Path.GetFileName(path), progress => Load(path, cpu, progress), cancellation);
            foreach (string warning in settings.TellsWarnings ? model.Warnings : [])
            {
                notes.Enqueue($"warning: {System.IO.Path.GetFileName(path)}: {warning}");
            }

            return model;
        }
        finally
        {
            // Only now, so that they do not end up in the progress bar.
            foreach (string note in notes)
            {
                console.WriteNote(note);
            }
        }
    }

    /// <summary>The options with the folder in which the machine's profile is kept, unless they say otherwise.</summary>
    public CpuOptions WithProfileCache(CpuOptions options, bool refresh = false) =>
        options.ProfileCache is null && _caches?.UserFolder("profiles") is { } folder ? options with { ProfileCache = new ProfileCacheOptions(folder, refresh) } : options;

    private LoadedModel Load(string path, CpuOptions options, IProgress<LoadProgress>? progress)
    {
        var file = GgufFile.Open(path);
        try
        {
            // The vocabulary takes about as long as compiling and reading the weights.
            var tokenizer = Task.Run(() => TokenizerFactory.Create(file.Metadata));
            return LoadedModel.Create(path, file, _compile(file, options, progress), tokenizer);
        }
        finally
        {
            // What it says stays; its data is the executor's by now, and the disk may have the place of a file that is replaced.
            file.Dispose();
        }
    }
}
