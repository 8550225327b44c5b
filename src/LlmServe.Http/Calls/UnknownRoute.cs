using LlmServe.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace LlmServe.Http;

/// <summary>Paths that lead nowhere, for clients that may know so.</summary>
internal static class UnknownRoute
{
    /// <summary>Adds the route.</summary>
    public static void Map(IEndpointRouteBuilder routes, HttpFront front) => routes.MapFallback(
        http => HttpFailures.WriteAsync(
            http, new Failure(FailureKind.NotFound, $"there is no {http.Request.Method} {Failure.Shorten(http.Request.Path.Value ?? "")}") { Code = "unknown_url" }, OpenAiErrors.Shape));
}
