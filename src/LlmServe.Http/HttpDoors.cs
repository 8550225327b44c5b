using LlmServe.Serving;
using Microsoft.AspNetCore.Routing;

namespace LlmServe.Http;

/// <summary>The HTTP APIs of a server.</summary>
public static class HttpDoors
{
    /// <summary>The routes; a new one is a file and a line here.</summary>
    private static readonly Action<IEndpointRouteBuilder, HttpFront>[] Routes =
    [
        HealthRoute.Map,
        ModelsRoute.Map,
        CompletionsRoute.Map,
        EmbeddingsRoute.Map,
        TokenizeRoute.Map,
        PropsRoute.Map,
        MetricsRoute.Map,
        UnknownRoute.Map,
    ];

    /// <summary>Adds all routes. What says nothing else needs a client that passed authentication (<see cref="ClientFeature"/>).</summary>
    /// <param name="routes">Where to.</param>
    /// <param name="core">The server.</param>
    /// <param name="options">What the APIs do.</param>
    public static void Map(IEndpointRouteBuilder routes, ServingCore core, HttpOptions options)
    {
        var front = new HttpFront(core, options);
        foreach (var map in Routes)
        {
            map(routes, front);
        }
    }
}
