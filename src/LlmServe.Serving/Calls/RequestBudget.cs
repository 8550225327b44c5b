namespace LlmServe.Serving;

/// <summary>Bounds the bytes of long requests that are being received and read, so that they cannot fill the memory; one client gets at most half. Thread-safe.</summary>
public sealed class RequestBudget
{
    /// <summary>Longest request that is not counted: there can be no more of them than calls.</summary>
    public const int Short = 4 << 10;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _taken = new(StringComparer.Ordinal); // bytes by client, guarded by _lock
    private readonly long _most;
    private long _total;

    /// <param name="largest">Largest request.</param>
    internal RequestBudget(int largest) => _most = Math.Max(64L << 20, largest * 8L);

    /// <summary>Takes a request's bytes.</summary>
    /// <param name="client">Whose request it is.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="lease">What to give back when it is read, or has failed; null where the request is not counted.</param>
    /// <returns>Null, or why there is no room.</returns>
    public Failure? TryTake(ServedClient client, long bytes, out RequestLease? lease)
    {
        lease = null;
        if (bytes <= Short)
        {
            return null;
        }

        lock (_lock)
        {
            long own = _taken.GetValueOrDefault(client.Name) + bytes;
            if (own > _most / 2 || _total + bytes > _most)
            {
                return Failure.Exhausted(
                    $"{_total} bytes of long requests are being read, {own - bytes} of them yours, and at most {_most} and {_most / 2} may be; try again later");
            }

            _taken[client.Name] = own;
            _total += bytes;
        }

        lease = new RequestLease(this, client.Name, bytes);
        return null;
    }

    internal void Return(string client, long bytes)
    {
        lock (_lock)
        {
            _total -= bytes;
            if ((_taken[client] -= bytes) == 0)
            {
                _taken.Remove(client);
            }
        }
    }
}
