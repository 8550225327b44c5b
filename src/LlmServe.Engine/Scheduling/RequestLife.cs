namespace LlmServe.Engine.Scheduling;

/// <summary>
/// Who may end a request: anybody while it waits, the engine's thread alone once it has run, and only one of them. Whoever is told so ends it.
/// </summary>
internal sealed class RequestLife
{
    private const int Waits = 0;
    private const int Runs = 1;
    private const int Ended = 2;

    private volatile bool _cancelRequested;
    private int _phase;

    /// <summary>Undoes the cancellation callback.</summary>
    public CancellationTokenRegistration Cancellation { get; set; }

    /// <summary>Whether the client cancelled. Any thread.</summary>
    public bool CancelRequested => _cancelRequested;

    /// <summary>Whether the request has not begun to run. Any thread.</summary>
    public bool IsWaiting => Volatile.Read(ref _phase) == Waits;

    /// <summary>Whether somebody ends it or has ended it. Any thread.</summary>
    public bool HasEnded => Volatile.Read(ref _phase) == Ended;

    /// <summary>Asks the engine to end the request. Any thread.</summary>
    public void RequestCancel() => _cancelRequested = true;

    /// <summary>The request begins to run, or goes on after it was preempted. False when it has ended meanwhile.</summary>
    public bool TryRun() => Interlocked.CompareExchange(ref _phase, Runs, Waits) != Ended;

    /// <summary>True for the one that may end the request, which has not begun to run. Any thread.</summary>
    public bool TryEndWaiting() => Interlocked.CompareExchange(ref _phase, Ended, Waits) == Waits;

    /// <summary>True for the one that may end the request, in whatever phase it is. [engine's thread]</summary>
    public bool TryEnd() => Interlocked.Exchange(ref _phase, Ended) != Ended;
}
