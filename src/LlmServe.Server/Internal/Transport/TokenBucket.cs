namespace LlmServe.Server.Internal.Transport;

/// <summary>Lets a burst through and then a steady rate. Not thread-safe.</summary>
/// <param name="burst">Most tokens at once.</param>
/// <param name="perSecond">Tokens that come back each second.</param>
/// <param name="clock">Counts the seconds; null: the system's.</param>
internal sealed class TokenBucket(int burst, double perSecond, TimeProvider? clock = null)
{
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private double _tokens = burst;
    private long _filled = (clock ?? TimeProvider.System).GetTimestamp();

    /// <summary>Takes a token, if there is one.</summary>
    public bool TryTake()
    {
        long now = _clock.GetTimestamp();
        _tokens = Math.Min(burst, _tokens + _clock.GetElapsedTime(_filled, now).TotalSeconds * perSecond);
        _filled = now;
        if (_tokens < 1)
        {
            return false;
        }

        _tokens--;
        return true;
    }
}
