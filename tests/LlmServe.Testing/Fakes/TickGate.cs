namespace LlmServe.Testing.Fakes;

/// <summary>Lets a test decide when ticks run, so that no test has to sleep. Open from the start unless made closed.</summary>
public sealed class TickGate(bool open)
{
    private readonly object _lock = new();
    private TaskCompletionSource _arrived = NewSource();
    private bool _open = open;
    private bool _held;
    private int _permits;

    /// <summary>Lets the next <paramref name="ticks"/> ticks through a closed gate.</summary>
    public void Allow(int ticks)
    {
        lock (_lock)
        {
            _permits += ticks;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Lets every tick through from now on.</summary>
    public void Open()
    {
        lock (_lock)
        {
            _open = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Holds ticks again, except those allowed.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _open = false;
        }
    }

    /// <summary>Completes when a tick stands at the gate and every allowed one before it has passed.</summary>
    public Task WhenHeldAsync()
    {
        lock (_lock)
        {
            if (_held && _permits == 0 && !_open)
            {
                return Task.CompletedTask;
            }

            if (_arrived.Task.IsCompleted)
            {
                _arrived = NewSource();
            }

            return _arrived.Task;
        }
    }

    /// <summary>Called by the fake executor at the start of a tick; blocks while the gate is closed.</summary>
    internal void Pass()
    {
        lock (_lock)
        {
            while (!_open && _permits == 0)
            {
                _held = true;
                _arrived.TrySetResult();
                Monitor.Wait(_lock);
            }

            _held = false;
            if (!_open)
            {
                _permits--;
            }
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
