using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace LlmServe.Server.Internal.Transport;

/// <summary>
/// HTTP/1.1 and HTTP/2 on one port without TLS. Without TLS there is no agreement on a protocol, and Kestrel then takes HTTP/1.1; but a client that means
/// HTTP/2 begins with <c>PRI</c>, which is no HTTP/1.1 method. Such a connection is told to Kestrel as if TLS had agreed on HTTP/2.
/// </summary>
internal static class ClearTextProtocol
{
    /// <summary>Longest time until the first bytes of a connection.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Looks at a connection's first bytes and runs it.</summary>
    public static async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var input = connection.Transport.Input;
        await using (new Timer(static reader => ((PipeReader)reader!).CancelPendingRead(), input, Patience, Timeout.InfiniteTimeSpan))
        {
            while (true)
            {
                var read = await input.ReadAsync().ConfigureAwait(false);
                var buffer = read.Buffer;
                if (IsHttp2(buffer) is { } http2)
                {
                    input.AdvanceTo(buffer.Start);
                    if (http2)
                    {
                        connection.Features.Set<ITlsApplicationProtocolFeature>(new Http2Agreed());
                        connection.Features.Set<ITlsConnectionFeature>(new Http2Agreed());
                    }

                    break;
                }

                input.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted || read.IsCanceled)
                {
                    connection.Abort();
                    return;
                }
            }
        }

        await next(connection).ConfigureAwait(false);
    }

    /// <summary>Whether a connection begins as HTTP/2 does; null: too early to tell.</summary>
    private static bool? IsHttp2(ReadOnlySequence<byte> buffer)
    {
        Span<byte> start = stackalloc byte[3];
        int length = (int)Math.Min(buffer.Length, start.Length);
        buffer.Slice(0, length).CopyTo(start);
        return !"PRI"u8.StartsWith(start[..length]) ? false : length == start.Length ? true : null;
    }

    /// <summary>What TLS would have agreed on.</summary>
    private sealed class Http2Agreed : ITlsApplicationProtocolFeature, ITlsConnectionFeature
    {
        public ReadOnlyMemory<byte> ApplicationProtocol { get; } = "h2"u8.ToArray();

        public X509Certificate2? ClientCertificate { get; set; }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult<X509Certificate2?>(null);
    }
}
