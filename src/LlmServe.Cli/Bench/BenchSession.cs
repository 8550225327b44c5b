using System.Diagnostics;
using LlmServe.Cli.App;
using LlmServe.Execution;
using LlmServe.Gguf.Formats;
using LlmServe.Hosting;
using LlmServe.Text;

namespace LlmServe.Cli.Bench;

/// <summary>Measures every model in every format and mode asked for, one after the other.</summary>
internal sealed class BenchSession(CliServices services, BenchSettings settings)
{
    private volatile string? _temporaryFile;
    private readonly int _lanes = settings.Cpu.Lanes > 0 ? settings.Cpu.Lanes : Environment.ProcessorCount;

    /// <summary>Measures; temporary files are gone afterwards.</summary>
    /// <exception cref="CliException">A model, a text or the plan does not fit.</exception>
    public async Task<IReadOnlyList<ModelResult>> RunAsync(CancellationToken cancellation)
    {
        // A file that cannot be opened is known before anything has taken its time.
        string[] models = [.. settings.Models.Select(PathOf)];
        var bandwidth = await Task.Run(() => new ReadBandwidth(_lanes, ReadBandwidth.DefaultBytes), cancellation);
        var results = new List<ModelResult>();
        foreach (string model in models)
        {
            if (settings.Formats.Count == 0)
            {
                results.AddRange(await MeasureModesAsync(model, model, bandwidth, cancellation));
            }

            foreach (var format in settings.Formats)
            {
                results.AddRange(await MeasureFormatAsync(model, format, bandwidth, cancellation));
            }
        }

        return results;
    }

    private string PathOf(string? model)
    {
        using var file = services.Models.Open(model);
        return file.Path;
    }

    private async Task<IReadOnlyList<ModelResult>> MeasureFormatAsync(string model, BlockFormat format, ReadBandwidth bandwidth, CancellationToken cancellation)
    {
        string path = Path.Combine(Path.GetTempPath(), $"llmserve-bench-{Guid.NewGuid():N}.gguf");
        _temporaryFile = path;
        try
        {
            await services.Console.Error.WriteLineAsync($"re-encoding to {format.Name}");
            await Task.Run(() =>
            {
                using var source = services.Models.Open(model);
                Reencoder.Save(source, format, path, cancellation);
            }, cancellation);
            return await MeasureModesAsync(model, path, bandwidth, cancellation);
        }
        finally
        {
            DeleteTemporaryFile();
        }
    }

    /// <summary>Deletes the file that is being measured, if it is a temporary one; for a session that is left behind.</summary>
    public void DeleteTemporaryFile()
    {
        if (Interlocked.Exchange(ref _temporaryFile, null) is { } path)
        {
            File.Delete(path);
        }
    }

    private async Task<IReadOnlyList<ModelResult>> MeasureModesAsync(
        string source, string path, ReadBandwidth bandwidth, CancellationToken cancellation)
    {
        var results = new List<ModelResult>();
        foreach (var mode in settings.Activations)
        {
            var cpu = services.Models.WithProfileCache(settings.Cpu, refresh: true) with { Activations = mode, MaxSequences = settings.Plan.Sequences, ContextLength = Positions() };

            // What re-encoding and the model before left behind is none of this one's memory.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            long start = Stopwatch.GetTimestamp();
            using var model = await services.LoadAsync(new ModelSettings { Path = path, Cpu = cpu, RepackCache = "off" }, cancellation);
            double load = Stopwatch.GetElapsedTime(start).TotalSeconds;
            results.Add(await Task.Run(() => Measure(model, source, reencoded: source != path, load, bandwidth, cancellation), cancellation));
        }

        return results;
    }

    private int Positions() => settings.Text is null ? settings.Plan.Positions : Math.Max(settings.Plan.Positions, Perplexity.Window);

    private ModelResult Measure(LoadedModel model, string source, bool reencoded, double load, ReadBandwidth bandwidth, CancellationToken cancellation)
    {
        var executor = model.Executor;
        var figures = new BenchRunner(executor, settings.Plan.Within(executor.Model.ContextLength), bandwidth).Measure(cancellation);
        long resident = Environment.WorkingSet - bandwidth.Bytes;
        return new ModelResult
        {
            Model = Path.GetFileNameWithoutExtension(source),
            Path = source,
            Format = model.Quantization,
            Reencoded = reencoded,
            Backend = executor.Backend,
            Activations = executor.Model.Activations.ToString().ToLowerInvariant(),
            Kv = executor.Model.Kv.ToString().ToLowerInvariant(),
            Lanes = _lanes,
            LoadSeconds = load,
            Weights = WeightTraffic.Of(model.File),
            Memory = new MemoryResult(model.File.Length, executor.Memory.KvGroups.Sum(g => g.Bytes), resident),
            KvBytesPerPosition = executor.Memory.KvGroups.Sum(g => g.BlockBytes) / KvBlock.Positions,
            Bandwidth = figures.Bandwidth,
            Prefill = figures.Prefill,
            Decode = figures.Decode,
            Buckets = figures.Buckets,
            Streams = figures.Streams,
            AllocatedBytes = figures.AllocatedBytes,
            Perplexity = settings.Text is { } text ? Measure(model, text, cancellation) : null,
        };
    }

    private PerplexityResult Measure(LoadedModel model, string text, CancellationToken cancellation)
    {
        var ids = new List<int>();
        model.Tokenizer.Encode(text, addSpecial: true, parseSpecial: false, ids);
        return ids.Count >= 2
            ? Perplexity.Measure(model.Executor, ids.GetRange(0, Math.Min(ids.Count, settings.TextTokens)), cancellation)
            : throw new CliException($"--text: the text has {ids.Count} tokens; perplexity needs at least 2");
    }
}
