using LlmServe.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace LlmServe.Http;

/// <summary>Embeddings and reranking, which the models of this server do not do yet: each API says so in its own words.</summary>
internal static class EmbeddingsRoute
{
    /// <summary>Adds the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes, HttpFront front)
    {
        foreach (var (path, shape) in ((string, IErrorShape)[])[
            ("/v1/embeddings", OpenAiErrors.Shape), ("/embeddings", OpenAiErrors.Shape), ("/embedding", LlamaErrors.Shape),
            ("/rerank", LlamaErrors.Shape), ("/v1/rerank", LlamaErrors.Shape), ("/reranking", LlamaErrors.Shape), ("/v1/reranking", LlamaErrors.Shape)])
        {
            routes.MapPost(path, http => front.Calls.RunAsync(http, shape, isStream: false, (_, fields) => throw Unsupported(front.ModelOf(fields), shape)));
        }
    }

    /// <summary>The model does not do this.</summary>
    public static RequestException Unsupported(ServedModel model, IErrorShape shape) => new Failure(
        FailureKind.Model, $"the model '{model.Id}' generates text; it does not embed or rank it") { Code = shape is LlamaErrors ? "not_supported" : "unsupported_model" }.ToException();
}
