using Grpc.Core;
using LlmServe.Engine;

namespace LlmServe.Server.Internal;

/// <summary>Turns a client's generation options into the engine's. The engine checks them; <see cref="Translate"/> says what it finds in the proto's names.</summary>
internal static class OptionsReader
{
    /// <summary>Makes a generation, still without a prompt, out of a client's options.</summary>
    /// <param name="options">The request's field <c>options</c>; null where it is absent.</param>
    public static GenerationRequest Read(V1.GenerationOptions? options)
    {
        options ??= new V1.GenerationOptions();
        return new GenerationRequest
        {
            Prompt = [],
            Sampling = ReadSampling(options.Sampling ?? new V1.SamplingOptions()),
            MaxTokens = options.HasMaxTokens ? options.MaxTokens : null,
            Stop = [.. options.Stop],
            IgnoreEndOfGeneration = options.IgnoreEndOfGeneration,
            SpecialTokensInText = options.SpecialTokensInText,
            LogProbabilities = options.HasLogprobs ? options.Logprobs : null,
        };
    }

    /// <summary>INVALID_ARGUMENT for what the engine says of a field.</summary>
    /// <param name="exception">What it says; it names a field in the engine's terms.</param>
    /// <param name="promptField">Where this request has its prompt.</param>
    public static RpcException Translate(EngineException exception, string promptField) =>
        Failures.Invalid(FieldOf(exception.Field!, promptField), exception.Message);

    private static string FieldOf(string field, string promptField) => field switch
    {
        "prompt" => promptField,
        "log_probabilities" => "options.logprobs",
        "max_tokens" or "stop" => $"options.{field}",
        _ => $"options.sampling.{field}",
    };

    private static SamplingOptions ReadSampling(V1.SamplingOptions sampling)
    {
        var neutral = new SamplingOptions();
        return new SamplingOptions
        {
            Temperature = sampling.Temperature,
            TopK = sampling.TopK,
            TopP = sampling.HasTopP ? sampling.TopP : neutral.TopP,
            MinP = sampling.MinP,
            RepetitionPenalty = sampling.HasRepetitionPenalty ? sampling.RepetitionPenalty : neutral.RepetitionPenalty,
            RepetitionWindow = sampling.HasRepetitionWindow ? sampling.RepetitionWindow : null,
            FrequencyPenalty = sampling.FrequencyPenalty,
            PresencePenalty = sampling.PresencePenalty,
            LogitBias = new Dictionary<int, float>(sampling.LogitBias),
            Seed = sampling.Seed,
        };
    }
}
