using System.Net;
using Grpc.AspNetCore.Server;
using Grpc.HealthCheck;
using LlmServe.Protocol;
using LlmServe.Server.Internal.Access;
using LlmServe.Server.Internal.GrpcApi;
using LlmServe.Server.Internal.HttpApi;
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
    public static WebApplication Build(ServingCore core, ServerOptions options, IPAddress address, ILoggerFactory loggers)
    {
        // The empty builder reads no files and no environment: the server does what its options say, wherever it is started.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listener.Configure(kestrel, core, options, address, loggers));
        var services = builder.Services;
        services.AddSingleton(loggers);
        services.AddSingleton<IHostLifetime, OwnerLifetime>();
        services.AddRoutingCore();
        ClientAuthorization.AddTo(services);
        services.AddSingleton(core).AddSingleton(core.Models).AddSingleton(core.Generations);
        services.AddSingleton(options).AddSingleton<ServingOptions>(options);
        AddGrpc(services, options);

        var app = builder.Build();
        HealthReporter.Follow(core.Health, app.Services.GetRequiredService<HealthServiceImpl>());
        // Of a call that was reset while it waited for a thread nothing more is done.
        app.Use((http, next) => http.RequestAborted.IsCancellationRequested ? Task.CompletedTask : next(http));
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        var gate = app.Services.GetRequiredService<RequestGate>();
        app.Use((http, next) => gate.InvokeAsync(http, next));
        MapGrpc(app, options);
        HealthRoute.Map(app, core);
        return app;
    }

    private static void AddGrpc(IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton<RequestGate>().AddSingleton<GrpcCalls>();
        services.AddSingleton(provider => new GenerationReader(provider.GetRequiredService<ServingCore>().Models, options, options.DefaultOutputTokens));
        services.AddSingleton<ChatEndpoint>().AddSingleton<TextEndpoint>().AddSingleton<ModelEndpoint>().AddSingleton<HealthServiceImpl>();
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
        app.MapGrpcService<HealthServiceImpl>().AllowAnonymous();
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
    /// <exception cref="OptionException">It is neither an address nor <c>localhost</c>.</exception>
    public static IPAddress ParseHost(string host, string option)
    {
        if (string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase))
        {
            return IPAddress.Loopback;
        }

        return IPAddress.TryParse(host, out var address)
            ? address
            : throw new OptionException(option, $"The server option {option} is '{host}'; it must be an IP address such as 127.0.0.1 or 0.0.0.0, or localhost.");
    }

    /// <summary>Where this machine reaches a socket that is bound to <paramref name="address"/>.</summary>
    public static IPEndPoint Reachable(IPAddress address, int port) => new(
        address.Equals(IPAddress.Any) ? IPAddress.Loopback : address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : address, port);
}
