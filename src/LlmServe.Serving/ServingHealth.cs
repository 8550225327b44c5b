namespace LlmServe.Serving;

/// <summary>Whether calls are welcome, and who wants to know when that changes. Thread-safe.</summary>
public sealed class ServingHealth
{
    private readonly Lock _lock = new();
    private Action<bool>? _watchers; // guarded by _lock
    private bool _over;

    /// <summary>Whether calls are welcome.</summary>
    public bool IsServing { get; private set; }

    /// <summary>Tells <paramref name="watcher"/> now and at every change.</summary>
    public void Watch(Action<bool> watcher)
    {
        lock (_lock)
        {
            _watchers += watcher;
            watcher(IsServing);
        }
    }

    /// <summary>Calls are welcome, unless the server stopped or failed already.</summary>
    public void Open() => Set(serving: true);

    /// <summary>The server is stopping, or an engine failed: calls are welcome no more, for good.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _over = true;
            Set(serving: false);
        }
    }

    private void Set(bool serving)
    {
        lock (_lock)
        {
            if (serving && _over)
            {
                return;
            }

            IsServing = serving;
            _watchers?.Invoke(serving);
        }
    }
}
