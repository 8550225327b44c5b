using LlmServe.Engine;
using LlmServe.Serving;

namespace LlmServe.Protocol;

/// <summary>Turns a client's generation options into the core's. The engine checks them; <see cref="NameOf"/> says what it finds in the proto's names.</summary>
internal static class OptionsReader
{
    /// <summary>Reads a request's field <c>options</c>; null where it is absent.</summary>
    /// <exception cref="RequestException">It asks for what is not there.</exception>
    public static GenerationSettings Read(V1.GenerationOptions? options, int? defaultOutputTokens)
    {
        options ??= new V1.GenerationOptions();
        if (options.ConstraintCase != V1.GenerationOptions.ConstraintOneofCase.None)
        {
            throw Failure.Invalid(NameOf(FieldOf(options.ConstraintCase)), "this server constrains no answers; leave it out").ToException();
        }

        return new GenerationSettings
        {
            Sampling = ReadSampling(options.Sampling ?? new V1.SamplingOptions()),
            MaxTokens = options.HasMaxTokens ? options.MaxTokens : null,
            DefaultMaxTokens = options.ToEndOfContext ? null : defaultOutputTokens,
            Stop = [.. options.Stop],
            IgnoreEndOfGeneration = options.IgnoreEndOfGeneration,
            SpecialTokensInText = options.SpecialTokensInText,
            LogProbabilities = options.HasLogprobs ? options.Logprobs : null,
        };
    }

    /// <summary>The proto's path of a setting.</summary>
    public static string NameOf(string setting) => $"options.{setting}";

    private static string FieldOf(V1.GenerationOptions.ConstraintOneofCase constraint) => constraint switch
    {
        V1.GenerationOptions.ConstraintOneofCase.JsonObject => "json_object",
        V1.GenerationOptions.ConstraintOneofCase.JsonSchema => "json_schema",
        _ => constraint.ToString().ToLowerInvariant(),
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
