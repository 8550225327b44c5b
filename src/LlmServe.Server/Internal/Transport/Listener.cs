using System.Net;
using LlmServe.Serving;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace LlmServe.Server.Internal.Transport;

/// <summary>How the server listens: HTTP/1.1 and HTTP/2 on one port, within limits.</summary>
internal static class Listener
{
    /// <summary>Streams of a connection beyond what the engines take, so that a full queue is reported by its own status and not by a client that waits silently.</summary>
    private const int MoreStreams = 64;

    /// <summary>What a client may send of a request before anybody reads it.</summary>
    private const int StreamWindow = 96 << 10;

    /// <summary>Sets Kestrel up.</summary>
    public static void Configure(KestrelServerOptions kestrel, ServingCore core, ServerOptions options, TlsSettings? tls, IPAddress address, ILoggerFactory loggers)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowAlternateSchemes = true;
        var connections = new ConnectionLimit(options, loggers.CreateLogger<LlmServeHost>());
        kestrel.Listen(address, options.Port, listen =>
        {
            // The default, HTTP/1.1 and HTTP/2, is what is meant; said explicitly, Kestrel warns that it takes no HTTP/2 without TLS (ClearTextProtocol).
            listen.Use(next => connection => connections.RunAsync(connection, next));
            if (tls is not null)
            {
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(tls.Current) });
            }
            else
            {
                listen.Use(next => connection => ClearTextProtocol.RunAsync(connection, next));
            }

            listen.Use(next => connection => ResetBrake.RunAsync(connection, next));
        });

        var limits = kestrel.Limits;
        limits.MaxRequestBodySize = options.MaxRequestBytes + (1 << 10);
        // Both rates act on whole connections: a half-sent request, or an answer that nobody reads, would end its neighbours. What is half sent ends by
        // itself (RequestGate), and what is not read pauses.
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.Http2.MaxStreamsPerConnection = (int)Math.Min(4096, core.Capacity + MoreStreams);
        limits.Http2.InitialStreamWindowSize = StreamWindow;
        // Pings find clients that went away without closing their connection, so that their sequences are freed.
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
    }
}
