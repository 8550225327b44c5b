namespace LlmServe.Serving;

/// <summary>Who makes calls: the owner of an API key, or an address where keys are not asked for. What its calls use is counted here.</summary>
public sealed class ServedClient
{
    private int _streams;

    internal ServedClient(string name) => Name = name;

    internal ServedClient(ApiKey key) => (Name, Key) = (key.Name, key);

    /// <summary>The key's name, or the address; it stands in logs and is what the engine is fair between.</summary>
    public string Name { get; }

    /// <summary>The key; null where none is asked for.</summary>
    public ApiKey? Key { get; internal set; }

    /// <summary>How urgent its requests are.</summary>
    public int Priority => Key?.Priority ?? 0;

    /// <summary>Whether one more stream would be let in.</summary>
    public bool HasRoom => Volatile.Read(ref _streams) < MaxStreams;

    /// <summary>Calls that run now; guarded by the lock of <see cref="ClientDirectory"/>.</summary>
    internal int Calls { get; set; }

    /// <summary>Time that text workers have spent on its texts, on the scale of <see cref="TextWorkers"/>, whose lock guards it.</summary>
    internal long TextTime { get; set; }

    private int MaxStreams => Key?.MaxStreams ?? int.MaxValue;

    /// <summary>Counts a stream in.</summary>
    /// <returns>Null, or why not.</returns>
    internal Failure? EnterStream()
    {
        int most = MaxStreams;
        if (Interlocked.Increment(ref _streams) <= most)
        {
            return null;
        }

        Interlocked.Decrement(ref _streams);
        return Failure.Exhausted($"the API key '{Name}' has {most} answers running, and may have {most}; wait for one to end");
    }

    /// <summary>Counts a stream out.</summary>
    internal void LeaveStream() => Interlocked.Decrement(ref _streams);
}
