using System.Globalization;
using LlmServe.Engine;
using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>What all HTTP APIs work with.</summary>
/// <param name="core">The server.</param>
/// <param name="options">What the APIs do.</param>
internal sealed class HttpFront(ServingCore core, HttpOptions options)
{
    private const string OllamaTag = ":latest";

    /// <summary>When the server was started; the age of its models, for APIs that want one.</summary>
    public DateTimeOffset Started { get; } = core.Options.Clock.GetUtcNow();

    /// <summary>The server.</summary>
    public ServingCore Core => core;

    /// <summary>What the APIs do.</summary>
    public HttpOptions Options => options;

    /// <summary>Runs requests.</summary>
    public HttpCalls Calls { get; } = new(core, options);

    /// <summary>The model that a request names in <c>model</c>; none or an empty name: the default one.</summary>
    /// <exception cref="RequestException">There is no such model.</exception>
    public ServedModel ModelOf(RequestFields fields)
    {
        string name = fields.Text("model") ?? "";
        return options.AcceptAnyModel && !core.Models.Has(name) ? core.Models.All[0] : core.Models.Find(NameOf(name));
    }

    /// <summary>A model's name without what Ollama's clients add to it.</summary>
    public string NameOf(string name) => !core.Models.Has(name) && name.EndsWith(OllamaTag, StringComparison.Ordinal) ? name[..^OllamaTag.Length] : name;

    /// <summary>Reads how to generate: sampling, lengths, stop texts, rule.</summary>
    /// <param name="fields">The request.</param>
    /// <param name="model">The model.</param>
    /// <param name="maxTokens">Most tokens of the answer; null: to the end of the context.</param>
    /// <param name="logProbabilities">As in <see cref="GenerationSettings.LogProbabilities"/>.</param>
    /// <param name="rule">What the answer must be; null: any text.</param>
    public GenerationSettings SettingsOf(RequestFields fields, ServedModel model, int? maxTokens, int? logProbabilities, RequestRule? rule) => new()
    {
        Sampling = new SamplingReader(fields, options.DefaultSampling.For(model.DefaultSampling)).Read(),
        MaxTokens = maxTokens,
        Stop = fields.Texts("stop"),
        IgnoreEndOfGeneration = fields.Flag("ignore_eos") ?? false,
        LogProbabilities = logProbabilities,
        Rule = rule?.Rule,
        RuleField = rule?.Field ?? "",
    };

    /// <summary>What the core calls a setting, in a request's names.</summary>
    public static string NameOfSetting(string name) => name switch
    {
        "max_tokens" => "max_tokens",
        "logprobs" => "top_logprobs",
        _ when name.StartsWith("sampling.", StringComparison.Ordinal) => name["sampling.".Length..],
        _ => name,
    };

    /// <summary>Refuses what is unknown, where the server is told to.</summary>
    public void Finish(RequestFields fields)
    {
        if (options.StrictRequests)
        {
            fields.RefuseUnknown();
        }
    }

    /// <summary>The fingerprint of what computes a model's answers: with the same one, the same request and seed give the same answer.</summary>
    public static string FingerprintOf(ServedModel model) => $"b{model.Engine.Model.ProgramId}";

    /// <summary>Tells in a header which seed an answer is drawn with, so that it can be repeated.</summary>
    public static void Report(HttpContext http, SamplingOptions sampling)
    {
        if (sampling.Temperature > 0)
        {
            http.Response.Headers["x-llmserve-seed"] = sampling.Seed.ToString(CultureInfo.InvariantCulture);
        }
    }

    /// <summary>A new id for an object of an API.</summary>
    public static string NewId(string prefix) => prefix + Guid.NewGuid().ToString("N")[..24];
}
