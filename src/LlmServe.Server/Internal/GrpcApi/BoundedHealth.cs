using Grpc.Core;
using Grpc.Health.V1;
using Grpc.HealthCheck;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary>grpc.health.v1. It needs no key, so what it costs is bounded: a stream that watches stays open until its client leaves.</summary>
internal sealed class BoundedHealth : HealthServiceImpl
{
    /// <summary>Most streams of one address that watch.</summary>
    public const int MostOfAddress = 16;

    /// <summary>Most streams that watch.</summary>
    public const int Most = 256;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _watches = new(StringComparer.Ordinal); // by address, guarded by _lock
    private int _count;

    /// <inheritdoc/>
    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        string address = context.GetHttpContext().Connection.RemoteIpAddress?.ToString() ?? "";
        if (!TryEnter(address))
        {
            context.Status = new Status(
                StatusCode.ResourceExhausted, $"{Most} streams may watch the health of this server, {MostOfAddress} of them of one address; ask with Check");
            return;
        }

        try
        {
            await base.Watch(request, responseStream, context).ConfigureAwait(false);
        }
        finally
        {
            Leave(address);
        }
    }

    private bool TryEnter(string address)
    {
        lock (_lock)
        {
            int own = _watches.GetValueOrDefault(address);
            if (own >= MostOfAddress || _count >= Most)
            {
                return false;
            }

            _watches[address] = own + 1;
            _count++;
            return true;
        }
    }

    private void Leave(string address)
    {
        lock (_lock)
        {
            _count--;
            if (--_watches[address] == 0)
            {
                _watches.Remove(address);
            }
        }
    }
}
