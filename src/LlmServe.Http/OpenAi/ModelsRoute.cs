using LlmServe.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace LlmServe.Http;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/{id}</c>.</summary>
internal static class ModelsRoute
{
    /// <summary>Adds the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes, HttpFront front)
    {
        foreach (string path in (string[])["/v1/models", "/models"])
        {
            routes.MapGet(path, http => front.Calls.RunAsync(http, OpenAiErrors.Shape, call => ListAsync(front, call)));
            routes.MapGet(path + "/{**id}", http => front.Calls.RunAsync(http, OpenAiErrors.Shape, call => GetAsync(front, call)));
        }
    }

    private static ValueTask ListAsync(HttpFront front, HttpCall call) =>
        call.WriteAsync(new ModelList([.. front.Core.Models.All.Select(model => Describe(front, model))]), OpenAiJson.Default.ModelList);

    private static ValueTask GetAsync(HttpFront front, HttpCall call) => call.WriteAsync(
        Describe(front, front.Core.Models.Find((string)call.Http.Request.RouteValues["id"]!)), OpenAiJson.Default.ModelEntry);

    private static ModelEntry Describe(HttpFront front, ServedModel model) => new()
    {
        Id = model.Id,
        Created = front.Started.ToUnixTimeSeconds(),
        MaxModelLen = model.Engine.ContextLength,
        Meta = new ModelMeta(model.Engine.ContextLength, model.Engine.Model.VocabularySize, model.ParameterCount),
        Capabilities = model.Template is null ? ["completion"] : ["completion", "chat", "tools"],
    };
}
