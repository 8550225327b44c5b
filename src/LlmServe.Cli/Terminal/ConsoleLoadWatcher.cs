using System.Collections.Concurrent;
using LlmServe.Cpu;
using LlmServe.Hosting;

namespace LlmServe.Cli.Terminal;

/// <summary>Shows how models are loaded: a progress bar where a person sees it, and notes when it is gone, so that they do not end up in it.</summary>
internal sealed class ConsoleLoadWatcher(CliConsole console) : ILoadWatcher
{
    private readonly ConcurrentQueue<string> _notes = new();
    private volatile bool _loading;

    /// <inheritdoc/>
    public async Task<LoadedModel> RunAsync(string title, Func<IProgress<LoadProgress>?, LoadedModel> load, CancellationToken cancellation)
    {
        _loading = true;
        try
        {
            return await LoadProgressBar.RunAsync(console, title, load, cancellation);
        }
        finally
        {
            _loading = false;
            Flush();
        }
    }

    /// <inheritdoc/>
    public void Note(string line)
    {
        _notes.Enqueue(line);
        if (!_loading)
        {
            Flush();
        }
    }

    private void Flush()
    {
        while (_notes.TryDequeue(out string? note))
        {
            console.WriteNote(note);
        }
    }
}
