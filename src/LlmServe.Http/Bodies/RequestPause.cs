using System.IO.Pipelines;

namespace LlmServe.Http;

/// <summary>Ends the wait for a request whose client pauses too long or takes too long altogether.</summary>
public sealed class RequestPause : IDisposable
{
    private readonly TimeSpan _pause;
    private readonly long _end;
    private readonly Timer _timer;

    /// <param name="body">Whose pending read is cancelled.</param>
    /// <param name="pause">Longest pause.</param>
    /// <param name="whole">Longest time altogether.</param>
    public RequestPause(PipeReader body, TimeSpan pause, TimeSpan whole)
    {
        _pause = pause;
        _end = Environment.TickCount64 + (long)whole.TotalMilliseconds;
        _timer = new Timer(static reader => ((PipeReader)reader!).CancelPendingRead(), body, pause, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Something came.</summary>
    public void Restart() => _timer.Change(
        TimeSpan.FromMilliseconds(Math.Clamp(_end - Environment.TickCount64, 0, (long)_pause.TotalMilliseconds)), Timeout.InfiniteTimeSpan);

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();
}
