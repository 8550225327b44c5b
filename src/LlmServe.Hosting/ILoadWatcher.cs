using LlmServe.Cpu;

namespace LlmServe.Hosting;

/// <summary>Sees how models are loaded, for people.</summary>
public interface ILoadWatcher
{
    /// <summary>Runs a load, on another thread.</summary>
    /// <param name="title">What is loaded.</param>
    /// <param name="load">Loads it and reports its progress.</param>
    /// <param name="cancellation">Leaves the load behind.</param>
    Task<LoadedModel> RunAsync(string title, Func<IProgress<LoadProgress>?, LoadedModel> load, CancellationToken cancellation);

    /// <summary>Takes a line about what was loaded. [any thread]</summary>
    void Note(string line);
}
