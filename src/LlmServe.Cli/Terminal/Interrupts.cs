using System.Runtime.InteropServices;

namespace LlmServe.Cli.Terminal;

/// <summary>
/// Ctrl-C and termination signals. Whoever is busy captures Ctrl-C for as long as it wants it (an answer that is being written);
/// what nobody captures ends the command through <see cref="Token"/>. A second one after that ends the process at once.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<Action> _captures = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

    /// <summary>Cancelled when the command is to end.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Starts to listen for the process's signals.</summary>
    public void Listen()
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = RaiseInterrupt()));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = RaiseTermination()));
    }

    /// <summary>Takes Ctrl-C until the result is disposed; the latest capture goes first.</summary>
    public IDisposable Capture(Action onInterrupt)
    {
        lock (_lock)
        {
            _captures.Add(onInterrupt);
        }

        return new Release(this, onInterrupt);
    }

    /// <summary>A Ctrl-C has arrived.</summary>
    /// <returns>Whether somebody deals with it; if not, the process should end.</returns>
    internal bool RaiseInterrupt()
    {
        Action? capture;
        lock (_lock)
        {
            capture = _captures.Count > 0 ? _captures[^1] : null;
        }

        if (capture is null)
        {
            return RaiseTermination();
        }

        capture();
        return true;
    }

    /// <summary>The process was asked to end.</summary>
    /// <returns>Whether this is the first time; if not, the process should end at once.</returns>
    internal bool RaiseTermination()
    {
        if (_stop.IsCancellationRequested)
        {
            return false;
        }

        _stop.Cancel();
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
    }

    private sealed class Release(Interrupts owner, Action capture) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._lock)
            {
                owner._captures.Remove(capture);
            }
        }
    }
}
