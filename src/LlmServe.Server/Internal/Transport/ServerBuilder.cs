using System.Net;
using Grpc.AspNetCore.Server;
using LlmServe.Protocol;
using LlmServe.Http;
using LlmServe.Server.Internal.Access;
using LlmServe.Server.Internal.GrpcApi;
using LlmServe.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlmServe.Server.Internal.Transport;

/// <summary>Puts a server together: Kestrel, access control, services, routes.</summary>
internal static class ServerBuilder
{
    /// <summary>Builds a server that is not started yet.</summary>
    /// <param name="core">What it serves.</param>
    /// <param name="options">Where to listen.</param>
    /// <param name="tls">What it shows over TLS; null: clear text.</param>
    /// <param name="address">The address to listen on.</param>
    /// <param name="loggers">Where log messages go.</param>
    public static WebApplication Build(ServingCore core, ServerOptions options, TlsSettings? tls, IPAddress address, ILoggerFactory loggers)
    {
        // The empty builder reads no files and no environment: the server does what its options say, wherever it is started.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listener.Configure(kestrel, core, options, tls, address, loggers));
        var services = builder.Services;
        services.AddSingleton(loggers);
        services.AddSingleton<IHostLifetime, OwnerLifetime>();
        services.AddRoutingCore();
        ClientAuthorization.AddTo(services);
        services.AddSingleton(core).AddSingleton(core.Models).AddSingleton(core.Generations);
        services.AddSingleton(options).AddSingleton<ServingOptions>(options);
        AddGrpc(services, options);

        var app = builder.Build();
        HealthReporter.Follow(core.Health, app.Services.GetRequiredService<BoundedHealth>());
        // Of a call that was reset while it waited for a thread nothing more is done.
        app.Use((http, next) => http.RequestAborted.IsCancellationRequested ? Task.CompletedTask : next(http));
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        var gate = app.Services.GetRequiredService<RequestGate>();
        app.Use((http, next) => gate.InvokeAsync(http, next));
        MapGrpc(app, options);
        HttpDoors.Map(app, core, options.Http);
        return app;
    }

    private static void AddGrpc(IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton<RequestGate>().AddSingleton<GrpcCalls>();
        services.AddSingleton(provider => new GenerationReader(provider.GetRequiredService<ServingCore>().Models, options, options.DefaultOutputTokens));
        services.AddSingleton<ChatEndpoint>().AddSingleton<TextEndpoint>().AddSingleton<ModelEndpoint>().AddSingleton<BoundedHealth>();
        services.AddGrpc(global => global.MaxReceiveMessageSize = options.MaxRequestBytes);
        // A compressed request could unfold to any size; the size limit counts what arrives.
        services.PostConfigure<GrpcServiceOptions>(global => global.CompressionProviders.Clear());
        services.AddGrpcReflection();
    }

    private static void MapGrpc(WebApplication app, ServerOptions options)
    {
        app.MapGrpcService<ChatEndpoint>();
        app.MapGrpcService<TextEndpoint>();
        app.MapGrpcService<ModelEndpoint>();
        app.MapGrpcService<BoundedHealth>().AllowAnonymous();
        if (options.Reflection)
        {
            var reflection = app.MapGrpcReflectionService();
            if (options.OpenReflection)
            {
                reflection.AllowAnonymous();
            }
        }
    }

    /// <summary>The IP address that <paramref name="host"/> names.</summary>
    /// <param name="host">What the option says.</param>
    /// <param name="port">The port beside it, for the message.</param>
    /// <param name="option">The option's name.</param>
    /// <exception cref="OptionException">It is neither an address nor <c>localhost</c>.</exception>
    public static IPAddress ParseHost(string host, int port, string option)
    {
        if (string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase))
        {
            return IPAddress.Loopback;
        }

        return IPAddress.TryParse(host, out var address)
            ? address
            : throw new OptionException(option, $"cannot listen on {host}:{port}: the host must be an IP address such as 127.0.0.1 or 0.0.0.0, or localhost");
    }

    /// <summary>Where this machine reaches a socket that is bound to <paramref name="address"/>.</summary>
    public static IPEndPoint Reachable(IPAddress address, int port) => new(
        address.Equals(IPAddress.Any) ? IPAddress.Loopback : address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : address, port);
}
