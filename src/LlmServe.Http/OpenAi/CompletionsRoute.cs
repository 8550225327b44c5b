using LlmServe.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace LlmServe.Http;

/// <summary><c>POST /v1/completions</c>: texts and token ids continued as they are.</summary>
internal static class CompletionsRoute
{
    private const int MostChoices = 8;
    private const int MostLogprobs = 20;

    /// <summary>Adds the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes, HttpFront front)
    {
        foreach (string path in (string[])["/v1/completions", "/completions"])
        {
            routes.MapPost(path, http => front.Calls.RunAsync(http, OpenAiErrors.Shape, isStream: true, (call, fields) => AnswerAsync(front, call, fields)));
        }
    }

    private static async ValueTask AnswerAsync(HttpFront front, HttpCall call, RequestFields fields)
    {
        var model = front.ModelOf(fields);
        var prompts = PromptReader.Read(fields, "prompt");
        int choices = fields.Int32("n", 1, MostChoices) ?? 1;
        if (fields.Int32("best_of", 1, MostChoices) is { } best && best != choices)
        {
            throw Failure.Invalid("best_of", $"is {best}; this server takes it only where it is n, {choices}").ToException();
        }

        fields.Refuse("suffix");
        fields.Ignore("user", "store", "metadata", "cache_prompt", "id_slot");
        bool streams = fields.Flag("stream") ?? false;
        bool wantsUsage = fields.Object("stream_options")?.Flag("include_usage") ?? false;
        int? logprobs = fields.Int32("logprobs", 0, MostLogprobs);
        var settings = front.SettingsOf(fields, model, fields.Int32("max_tokens", 1), logprobs, RuleReader.Read(fields));
        bool echoes = fields.Flag("echo") ?? false;
        front.Finish(fields);

        var inputs = prompts.Select(prompt => new GenerationInput { Model = model, Prompt = prompt, Settings = settings, NameOf = HttpFront.NameOfSetting }).ToList();
        using var answers = await AnswerSet.StartAsync(front, call.Call, inputs, choices).ConfigureAwait(false);
        if (answers is null)
        {
            return;
        }

        HttpFront.Report(call.Http, settings.Sampling);
        var writer = new CompletionWriter(model, answers.Count, choices) { Echo = echoes ? await EchoAsync(front, call.Call, model, prompts).ConfigureAwait(false) : null };
        await (streams ? writer.StreamAsync(call, answers, wantsUsage) : writer.WriteAsync(call, answers)).ConfigureAwait(false);
    }

    /// <summary>The texts of the prompts, which answers begin with where the request says so.</summary>
    private static async ValueTask<IReadOnlyList<string>?> EchoAsync(HttpFront front, ServedCall call, ServedModel model, IReadOnlyList<PromptSource> prompts)
    {
        var texts = new List<string>();
        foreach (var prompt in prompts)
        {
            string? text = prompt is TextPrompt known
                ? known.Text : await front.Core.Texts.DetokenizeAsync(call, model, ((TokenPrompt)prompt).Ids, prompt.Field, specialTokens: true).ConfigureAwait(false);
            texts.Add(text ?? "");
        }

        return texts;
    }
}
