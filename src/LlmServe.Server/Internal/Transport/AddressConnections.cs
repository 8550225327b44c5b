namespace LlmServe.Server.Internal.Transport;

/// <summary>The connections of one address, and what they share.</summary>
internal sealed class AddressConnections
{
    /// <summary>Resets that an address may send at once, beside those that each of its connections may.</summary>
    private const int Burst = 200;

    /// <summary>The same each second.</summary>
    private const int PerSecond = 500;

    private readonly Lock _lock = new();
    private readonly TokenBucket _resets = new(Burst, PerSecond);

    /// <summary>How many there are; guarded by the lock of <see cref="ConnectionLimit"/>.</summary>
    public int Count { get; set; }

    /// <summary>Whether the log says that they are too many; guarded by the same.</summary>
    public bool Told { get; set; }

    /// <summary>Whether one of the connections may reset one more call.</summary>
    public bool TryTakeReset()
    {
        lock (_lock)
        {
            return _resets.TryTake();
        }
    }
}
