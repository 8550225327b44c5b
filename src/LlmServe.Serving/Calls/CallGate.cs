namespace LlmServe.Serving;

/// <summary>Counts running calls, and refuses new ones once the server is stopping.</summary>
internal sealed class CallGate
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private bool _closed;

    /// <summary>Calls that run now.</summary>
    public int Running
    {
        get
        {
            lock (_lock)
            {
                return _running;
            }
        }
    }

    /// <summary>Counts a call in. False: the gate is closed.</summary>
    public bool TryEnter()
    {
        lock (_lock)
        {
            _running += _closed ? 0 : 1;
            return !_closed;
        }
    }

    /// <summary>Counts a call out.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            if (--_running == 0 && _closed)
            {
                _empty.TrySetResult();
            }
        }
    }

    /// <summary>Refuses calls from now on.</summary>
    /// <returns>Completes when no call runs any more.</returns>
    public Task Close()
    {
        lock (_lock)
        {
            _closed = true;
            if (_running == 0)
            {
                _empty.TrySetResult();
            }

            return _empty.Task;
        }
    }
}
