using System.Text.Json.Nodes;
using LlmServe.Engine;

namespace LlmServe.Http;

/// <summary>How an answer is generated, by llama-server's names.</summary>
internal static class GenerationSettingsJson
{
    /// <summary>The sampling options.</summary>
    public static JsonObject Of(SamplingOptions sampling) => new()
    {
        ["seed"] = sampling.Seed,
        ["temperature"] = sampling.Temperature,
        ["top_k"] = sampling.TopK,
        ["top_p"] = sampling.TopP,
        ["min_p"] = sampling.MinP,
        ["repeat_last_n"] = sampling.RepetitionWindow ?? -1,
        ["repeat_penalty"] = sampling.RepetitionPenalty,
        ["presence_penalty"] = sampling.PresencePenalty,
        ["frequency_penalty"] = sampling.FrequencyPenalty,
    };
}
