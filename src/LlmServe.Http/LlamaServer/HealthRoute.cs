using System.Text.Json;
using LlmServe.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace LlmServe.Http;

/// <summary><c>GET /health</c>: whether calls are welcome, for whoever asks.</summary>
internal static class HealthRoute
{
    /// <summary>Adds the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes, HttpFront front)
    {
        foreach (string path in (string[])["/health", "/v1/health"])
        {
            routes.MapGet(path, http => AnswerAsync(http, front.Core.Health.IsServing)).AllowAnonymous();
        }
    }

    private static async Task AnswerAsync(HttpContext http, bool serving)
    {
        if (!serving)
        {
            await HttpFailures.WriteAsync(http, Failure.Stopping, LlamaErrors.Shape).ConfigureAwait(false);
            return;
        }

        http.Response.ContentType = HttpJson.ContentType;
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("status", "ok");
        json.WriteEndObject();
    }
}
