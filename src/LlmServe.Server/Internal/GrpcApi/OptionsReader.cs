using LlmServe.Engine;
using LlmServe.Serving;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary>Turns a client's generation options into the core's. The engine checks them; <see cref="NameOf"/> says what it finds in the proto's names.</summary>
internal static class OptionsReader
{
    /// <summary>Reads a request's field <c>options</c>; null where it is absent.</summary>
    public static GenerationSettings Read(V1.GenerationOptions? options, ServerOptions server)
    {
        options ??= new V1.GenerationOptions();
        return new GenerationSettings
        {
            Sampling = ReadSampling(options.Sampling ?? new V1.SamplingOptions()),
            MaxTokens = options.HasMaxTokens ? options.MaxTokens : null,
            DefaultMaxTokens = server.DefaultOutputTokens,
            Stop = [.. options.Stop],
            IgnoreEndOfGeneration = options.IgnoreEndOfGeneration,
            SpecialTokensInText = options.SpecialTokensInText,
            LogProbabilities = options.HasLogprobs ? options.Logprobs : null,
        };
    }

    /// <summary>The proto's path of a setting.</summary>
    public static string NameOf(string setting) => $"options.{setting}";

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
