using System.Text;
using System.Text.Json.Nodes;
using LlmServe.Serving;
using LlmServe.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace LlmServe.Http;

/// <summary><c>POST /tokenize</c> and <c>POST /detokenize</c>.</summary>
internal static class TokenizeRoute
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Adds the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes, HttpFront front)
    {
        routes.MapPost("/tokenize", http => front.Calls.RunAsync(http, LlamaErrors.Shape, isStream: false, (call, fields) => TokenizeAsync(front, call, fields)));
        routes.MapPost("/detokenize", http => front.Calls.RunAsync(http, LlamaErrors.Shape, isStream: false, (call, fields) => DetokenizeAsync(front, call, fields)));
    }

    private static async ValueTask TokenizeAsync(HttpFront front, HttpCall call, RequestFields fields)
    {
        var model = front.ModelOf(fields);
        var text = new TextPrompt(
            fields.Text("content") ?? "", fields.Flag("add_special") ?? false, fields.Flag("parse_special") ?? true) { Field = "content" };
        bool withPieces = fields.Flag("with_pieces") ?? false;
        front.Finish(fields);
        if (await front.Core.Texts.TokenizeAsync(call.Call, model, text).ConfigureAwait(false) is not { } ids)
        {
            return;
        }

        var tokens = new JsonArray();
        foreach (int id in ids)
        {
            tokens.Add(withPieces ? new JsonObject { ["id"] = id, ["piece"] = Piece(model.Engine.Tokenizer, id) } : (JsonNode)id);
        }

        await call.WriteAsync(new JsonObject { ["tokens"] = tokens }).ConfigureAwait(false);
    }

    private static async ValueTask DetokenizeAsync(HttpFront front, HttpCall call, RequestFields fields)
    {
        var model = front.ModelOf(fields);
        var ids = (fields.Array("tokens") ?? []).Select((id, i) => PromptReader.Id(id, $"tokens[{i}]")).ToList();
        front.Finish(fields);
        if (await front.Core.Texts.DetokenizeAsync(call.Call, model, ids, "tokens", specialTokens: true).ConfigureAwait(false) is { } text)
        {
            await call.WriteAsync(new JsonObject { ["content"] = text }).ConfigureAwait(false);
        }
    }

    /// <summary>A token's text, or its bytes where they are no text of their own.</summary>
    private static JsonNode Piece(ITokenizer tokenizer, int id)
    {
        var bytes = tokenizer.BytesOf(id);
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return new JsonArray([.. bytes.ToArray().Select(unit => (JsonNode)unit)]);
        }
    }
}
