using LlmServe.Cpu;

namespace LlmServe.Hosting;

/// <summary>Loads without a word.</summary>
internal sealed class QuietLoadWatcher : ILoadWatcher
{
    /// <inheritdoc/>
    public Task<LoadedModel> RunAsync(string title, Func<IProgress<LoadProgress>?, LoadedModel> load, CancellationToken cancellation) =>
        Task.Run(() => load(null), cancellation).WaitAsync(cancellation);

    /// <inheritdoc/>
    public void Note(string line)
    {
    }
}
