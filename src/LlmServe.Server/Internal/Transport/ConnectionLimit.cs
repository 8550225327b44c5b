using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace LlmServe.Server.Internal.Transport;

/// <summary>Bounds connections, all together and of each address. Says so once an address is at its bound, and again only after it was below.</summary>
internal sealed class ConnectionLimit(ServerOptions options, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, Connections> _addresses = []; // guarded by _lock
    private int _count;
    private bool _told;

    /// <summary>Runs a connection, or closes it at once.</summary>
    public async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        if (!TryEnter(address))
        {
            connection.Abort();
            return;
        }

        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            Leave(address);
        }
    }

    private bool TryEnter(IPAddress address)
    {
        bool tell;
        int count;
        lock (_lock)
        {
            if (!_addresses.TryGetValue(address, out var own))
            {
                _addresses.Add(address, own = new Connections());
            }

            bool tooMany = own.Count >= options.MaxConnectionsPerAddress;
            if (!tooMany && _count < options.MaxConnections)
            {
                own.Count++;
                _count++;
                return true;
            }

            count = tooMany ? own.Count : _count;
            tell = tooMany ? !own.Told : !_told;
            own.Told |= tooMany;
            _told |= !tooMany;
            RemoveIfUnused(address, own);
        }

        if (tell)
        {
            Log.TooManyConnections(logger, address.ToString(), count);
        }

        return false;
    }

    private void Leave(IPAddress address)
    {
        lock (_lock)
        {
            var own = _addresses[address];
            own.Count--;
            own.Told = false;
            _count--;
            _told = false;
            RemoveIfUnused(address, own);
        }
    }

    private void RemoveIfUnused(IPAddress address, Connections own)
    {
        if (own.Count == 0)
        {
            _addresses.Remove(address);
        }
    }

    /// <summary>The connections of an address, and whether the log says that they are too many.</summary>
    private sealed class Connections
    {
        public int Count { get; set; }

        public bool Told { get; set; }
    }
}
