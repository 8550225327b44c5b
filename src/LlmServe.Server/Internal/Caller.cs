using Microsoft.AspNetCore.Http;

namespace LlmServe.Server.Internal;

/// <summary>Who makes a call: the owner of an API key, or anybody where keys are not asked for.</summary>
internal sealed class Caller
{
    /// <summary>The name of a client without an address, as of a call that came through no socket.</summary>
    private const string Unknown = "unknown";

    private readonly int _maxStreams;
    private int _streams;

    /// <summary>Whoever calls a server without keys.</summary>
    public Caller(string name) => (Name, _maxStreams) = (name, int.MaxValue);

    /// <summary>The owner of a key.</summary>
    public Caller(ApiKey key)
    {
        Name = key.Name;
        Key = key;
        _maxStreams = key.MaxStreams ?? int.MaxValue;
    }

    /// <summary>The key's name, or the client's address.</summary>
    public string Name { get; }

    /// <summary>The key; null where none is asked for.</summary>
    public ApiKey? Key { get; }

    /// <summary>How urgent the caller's requests are.</summary>
    public int Priority => Key?.Priority ?? 0;

    /// <summary>Whether one more stream would be let in.</summary>
    public bool HasRoom => Volatile.Read(ref _streams) < _maxStreams;

    /// <summary>The caller of a call.</summary>
    public static Caller Of(HttpContext http) =>
        http.Features.Get<Caller>() ?? new Caller(http.Connection.RemoteIpAddress?.ToString() ?? Unknown);

    /// <summary>Counts a stream in, if the key's limit allows one more.</summary>
    public bool TryEnterStream()
    {
        if (Interlocked.Increment(ref _streams) <= _maxStreams)
        {
            return true;
        }

        Interlocked.Decrement(ref _streams);
        return false;
    }

    /// <summary>Counts a stream out.</summary>
    public void LeaveStream() => Interlocked.Decrement(ref _streams);
}
