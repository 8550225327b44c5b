using System.Text.Json;
using LlmServe.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace LlmServe.Server.Internal.HttpApi;

/// <summary><c>GET /health</c>: whether calls are welcome, for whoever asks.</summary>
internal static class HealthRoute
{
    /// <summary>Adds the route.</summary>
    public static void Map(IEndpointRouteBuilder routes, ServingCore core) =>
        routes.MapGet("/health", http => AnswerAsync(http, core.Health.IsServing)).AllowAnonymous();

    private static async Task AnswerAsync(HttpContext http, bool serving)
    {
        if (!serving)
        {
            await HttpErrors.WriteAsync(http, Failure.Stopping).ConfigureAwait(false);
            return;
        }

        http.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("status", "ok");
        json.WriteEndObject();
    }
}
