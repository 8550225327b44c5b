using System.Text.Json.Serialization;
using LlmServe.Engine;

namespace LlmServe.Http;

/// <summary>Where the time of an answer went, by llama-server's names.</summary>
internal sealed record LlamaTimings(
    [property: JsonPropertyName("cache_n")] int Cached,
    [property: JsonPropertyName("prompt_n")] int Prompt,
    [property: JsonPropertyName("prompt_ms")] double PromptMilliseconds,
    [property: JsonPropertyName("prompt_per_second")] double PromptPerSecond,
    [property: JsonPropertyName("predicted_n")] int Predicted,
    [property: JsonPropertyName("predicted_ms")] double PredictedMilliseconds,
    [property: JsonPropertyName("predicted_per_second")] double PredictedPerSecond)
{
    /// <summary>Those of an answer that has ended.</summary>
    public static LlamaTimings Of(Usage usage, Timings timings)
    {
        int read = usage.PromptTokens - usage.CachedPromptTokens;
        return new LlamaTimings(
            usage.CachedPromptTokens, read, timings.Prefill * 1000, timings.Prefill > 0 ? read / timings.Prefill : 0,
            usage.CompletionTokens, timings.Decode * 1000, timings.TokensPerSecond ?? 0);
    }
}
