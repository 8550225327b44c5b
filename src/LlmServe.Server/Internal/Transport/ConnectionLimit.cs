using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace LlmServe.Server.Internal.Transport;

/// <summary>Bounds connections, all together and of each address. Says so once an address is at its bound, and again only after it was below.</summary>
internal sealed class ConnectionLimit(ServerOptions options, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, AddressConnections> _addresses = []; // guarded by _lock
    private int _count;
    private bool _told;

    /// <summary>Runs a connection, or closes it at once.</summary>
    public async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        if (TryEnter(address) is not { } own)
        {
            connection.Abort();
            return;
        }

        try
        {
            connection.Features.Set(own);
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            Leave(address);
        }
    }

    private AddressConnections? TryEnter(IPAddress address)
    {
        bool tell;
        int count;
        lock (_lock)
        {
            if (!_addresses.TryGetValue(address, out var own))
            {
                _addresses.Add(address, own = new AddressConnections());
            }

            bool tooMany = own.Count >= options.MaxConnectionsPerAddress;
            if (!tooMany && _count < options.MaxConnections)
            {
                own.Count++;
                _count++;
                return own;
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

        return null;
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

    private void RemoveIfUnused(IPAddress address, AddressConnections own)
    {
        if (own.Count == 0)
        {
            _addresses.Remove(address);
        }
    }
}
