using System.Net;
using Grpc.AspNetCore.Server;
using Grpc.HealthCheck;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlmServe.Server.Internal;

/// <summary>Puts a server together: Kestrel, access control, services.</summary>
internal static class ServerBuilder
{
    /// <summary>Builds a server that is not started yet.</summary>
    public static WebApplication Build(ModelCatalog catalog, ServerOptions options, IPAddress address, ILoggerFactory loggers)
    {
        // The empty builder reads no files and no environment: the server does what its options say, wherever it is started.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, options, address));
        var services = builder.Services;
        services.AddSingleton(loggers);
        services.AddSingleton<IHostLifetime, OwnerLifetime>();
        services.AddRoutingCore();
        services.AddSingleton(catalog).AddSingleton(options);
        services.AddSingleton<AccessControl>().AddSingleton<TokenLimits>().AddSingleton<RequestPlanner>();
        services.AddSingleton<CallGate>().AddSingleton<StatusInterceptor>().AddSingleton<HealthServiceImpl>().AddSingleton<HealthReporter>();
        services.AddSingleton<ChatPrompt>().AddSingleton<GenerationStream>();
        services.AddSingleton<ChatEndpoint>().AddSingleton<TextEndpoint>().AddSingleton<ModelEndpoint>();
        var grpc = services.AddGrpc(global => global.MaxReceiveMessageSize = options.MaxRequestBytes);
        // A compressed request could unfold to any size; the size limit counts what arrives.
        services.PostConfigure<GrpcServiceOptions>(global => global.CompressionProviders.Clear());
        grpc.AddServiceOptions<ChatEndpoint>(Guard).AddServiceOptions<TextEndpoint>(Guard).AddServiceOptions<ModelEndpoint>(Guard);
        services.AddGrpcReflection();

        var app = builder.Build();
        app.UseRouting();
        var access = app.Services.GetRequiredService<AccessControl>();
        app.Use((http, next) => access.InvokeAsync(http, next));
        app.MapGrpcService<ChatEndpoint>();
        app.MapGrpcService<TextEndpoint>();
        app.MapGrpcService<ModelEndpoint>();
        app.MapGrpcService<HealthServiceImpl>();
        if (options.Reflection)
        {
            app.MapGrpcReflectionService();
        }

        return app;
    }

    private static void Guard<TService>(GrpcServiceOptions<TService> service)
        where TService : class => service.Interceptors.Add<StatusInterceptor>();

    private static void Configure(KestrelServerOptions kestrel, ServerOptions options, IPAddress address)
    {
        kestrel.AddServerHeader = false;
        kestrel.Listen(address, options.Port, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (options.Certificate is { } certificate)
            {
                listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = certificate.Leaf, ServerCertificateChain = certificate.Chain });
            }
        });
        // More streams than an engine queues, so that a full queue is reported by its own status and not by a client that waits silently.
        kestrel.Limits.Http2.MaxStreamsPerConnection = 1024;
        // Pings find clients that went away without closing their connection, so that their sequences are freed.
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
    }

    /// <summary>The IP address that <paramref name="host"/> names.</summary>
    /// <exception cref="ArgumentException">It is neither an address nor <c>localhost</c>.</exception>
    public static IPAddress ParseHost(string host, string option)
    {
        if (string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase))
        {
            return IPAddress.Loopback;
        }

        return IPAddress.TryParse(host, out var address)
            ? address
            : throw new ArgumentException($"The server option {option} is '{host}'; it must be an IP address such as 127.0.0.1 or 0.0.0.0, or localhost.", option);
    }

    /// <summary>Where this machine reaches a socket that is bound to <paramref name="address"/>.</summary>
    public static IPEndPoint Reachable(IPAddress address, int port) => new(
        address.Equals(IPAddress.Any) ? IPAddress.Loopback : address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : address, port);
}
