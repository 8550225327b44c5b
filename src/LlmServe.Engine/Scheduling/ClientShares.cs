using System.Runtime.InteropServices;

namespace LlmServe.Engine.Scheduling;

/// <summary>
/// The clients that have sequences in the engine. One that comes back starts level with the one that was given least: idle time earns no credit, and
/// nothing is remembered of clients that are gone.
/// </summary>
/// <param name="mostRunning">Most sequences of a named client that run at once; 0: no limit.</param>
internal sealed class ClientShares(int mostRunning)
{
    private readonly Dictionary<string, ClientShare> _byName = [];
    private readonly ClientShare _unnamed = new(null, int.MaxValue);
    private readonly List<ClientShare> _present = [];

    /// <summary>Clients with sequences here.</summary>
    public ReadOnlySpan<ClientShare> Present => CollectionsMarshal.AsSpan(_present);

    /// <summary>A sequence of this client comes in.</summary>
    public ClientShare Enter(string? name)
    {
        var share = Find(name);
        if (share is null)
        {
            share = name is null ? _unnamed : new ClientShare(name, mostRunning > 0 ? mostRunning : int.MaxValue);
            share.Rows = FewestRows();
            share.Index = _present.Count;
            _present.Add(share);
            if (name is not null)
            {
                _byName.Add(name, share);
            }
        }

        share.Live++;
        return share;
    }

    /// <summary>A sequence of this client leaves for good.</summary>
    public void Leave(ClientShare share)
    {
        if (--share.Live > 0)
        {
            return;
        }

        var last = _present[^1];
        last.Index = share.Index;
        _present[share.Index] = last;
        _present.RemoveAt(_present.Count - 1);
        if (share.Name is not null)
        {
            _byName.Remove(share.Name);
        }
    }

    private ClientShare? Find(string? name) =>
        name is null ? (_unnamed.Live > 0 ? _unnamed : null) : _byName.GetValueOrDefault(name);

    private long FewestRows()
    {
        long fewest = long.MaxValue;
        foreach (var share in _present)
        {
            fewest = Math.Min(fewest, share.Rows);
        }

        return _present.Count == 0 ? 0 : fewest;
    }
}
