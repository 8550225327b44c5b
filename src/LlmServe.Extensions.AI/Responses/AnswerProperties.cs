namespace LlmServe.Extensions.AI.Responses;

/// <summary>Keys under which answers say what Microsoft.Extensions.AI has no place for.</summary>
internal static class AnswerProperties
{
    /// <summary>Key of the random draws, a <see cref="long"/>: given as <c>ChatOptions.Seed</c>, it repeats the answer.</summary>
    public const string Seed = "llmserve.seed";

    /// <summary>Where the time went, a <see cref="V1.Timings"/>.</summary>
    public const string Timings = "llmserve.timings";

    /// <summary>Log-probabilities, a list of <see cref="V1.TokenLogProbability"/>.</summary>
    public const string Logprobs = "logprobs";

    /// <summary>Text of the reasoning, a <see cref="string"/>.</summary>
    public const string Reasoning = "reasoning_content";
}
