using System.Text.Json.Nodes;
using LlmServe.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace LlmServe.Http;

/// <summary><c>GET /props</c> and <c>GET /slots</c>: what the server is and does, in llama-server's words.</summary>
internal static class PropsRoute
{
    /// <summary>Adds the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes, HttpFront front)
    {
        routes.MapGet("/props", http => front.Calls.RunAsync(http, LlamaErrors.Shape, call => call.WriteAsync(Props(front))));
        routes.MapGet("/slots", http => front.Calls.RunAsync(http, LlamaErrors.Shape, call => SlotsAsync(front, call)));
        foreach (string path in (string[])["/props", "/slots/{id}", "/lora-adapters"])
        {
            routes.MapPost(path, http => front.Calls.RunAsync(http, LlamaErrors.Shape, _ => throw NotSupported("this server's settings stand while it runs")));
        }

        routes.MapGet("/lora-adapters", http => front.Calls.RunAsync(http, LlamaErrors.Shape, call => call.WriteAsync(new JsonArray())));
    }

    /// <summary>Something that llama-server can do and this server cannot.</summary>
    public static RequestException NotSupported(string problem) => new Failure(FailureKind.Model, problem) { Code = "not_supported" }.ToException();

    private static JsonObject Props(HttpFront front)
    {
        var model = front.Core.Models.All[0];
        var tokenizer = model.Engine.Tokenizer;
        var sampling = front.Options.DefaultSampling.For(model.DefaultSampling);
        return new JsonObject
        {
            ["default_generation_settings"] = new JsonObject
            {
                ["n_ctx"] = model.Engine.ContextLength,
                ["params"] = GenerationSettingsJson.Of(sampling),
            },
            ["total_slots"] = model.Engine.Slots,
            ["model_alias"] = model.Id,
            ["model_path"] = $"{model.Id}.gguf",
            ["chat_template"] = model.TemplateSource,
            ["modalities"] = new JsonObject { ["vision"] = false, ["audio"] = false },
            ["bos_token"] = tokenizer.BosId is { } bos ? tokenizer.PieceOf(bos) : "",
            ["eos_token"] = tokenizer.EosId is { } eos ? tokenizer.PieceOf(eos) : "",
            ["build_info"] = HttpFront.FingerprintOf(model),
        };
    }

    private static async ValueTask SlotsAsync(HttpFront front, HttpCall call)
    {
        var model = front.Core.Models.All[0];
        int running = model.Engine.Statistics.Running;
        int slots = model.Engine.Slots;
        if (running >= slots && call.Http.Request.Query["fail_on_no_slot"] == "1")
        {
            throw Failure.Exhausted("no slot is free").ToException();
        }

        await call.WriteAsync(new JsonArray([.. Enumerable.Range(0, slots).Select(i => new JsonObject
        {
            ["id"] = i,
            ["id_task"] = i < running ? i : -1,
            ["n_ctx"] = model.Engine.ContextLength,
            ["speculative"] = false,
            ["is_processing"] = i < running,
        })])).ConfigureAwait(false);
    }
}
