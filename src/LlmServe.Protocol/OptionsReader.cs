using LlmServe.Constraints;
using LlmServe.Engine;
using LlmServe.Serving;

namespace LlmServe.Protocol;

/// <summary>Turns a client's generation options into the core's. The engine checks them; <see cref="NameOf"/> says what it finds in the proto's names.</summary>
internal static class OptionsReader
{
    /// <summary>Reads a request's field <c>options</c>; null where it is absent.</summary>
    public static GenerationSettings Read(V1.GenerationOptions? options, int? defaultOutputTokens)
    {
        options ??= new V1.GenerationOptions();
        var rule = ReadRule(options);
        return new GenerationSettings
        {
            Sampling = ReadSampling(options.Sampling ?? new V1.SamplingOptions()),
            MaxTokens = options.HasMaxTokens ? options.MaxTokens : null,
            DefaultMaxTokens = options.ToEndOfContext ? null : defaultOutputTokens,
            Stop = [.. options.Stop],
            Rule = rule,
            RuleField = NameOf(FieldOf(options.ConstraintCase)),
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
        V1.GenerationOptions.ConstraintOneofCase.JsonSchema => "json_schema.schema",
        V1.GenerationOptions.ConstraintOneofCase.Choice => "choice.texts",
        _ => constraint.ToString().ToLowerInvariant(),
    };

    private static ConstraintRule? ReadRule(V1.GenerationOptions options) => options.ConstraintCase switch
    {
        V1.GenerationOptions.ConstraintOneofCase.JsonObject => options.JsonObject ? ConstraintRule.JsonObject : null,
        V1.GenerationOptions.ConstraintOneofCase.JsonSchema => new ConstraintRule(ConstraintKind.JsonSchema, options.JsonSchema.Schema)
        {
            CloseObjects = options.JsonSchema.CloseObjects,
            Relax = options.JsonSchema.Relax,
        },
        V1.GenerationOptions.ConstraintOneofCase.Regex => new ConstraintRule(ConstraintKind.Regex, options.Regex),
        V1.GenerationOptions.ConstraintOneofCase.Gbnf => new ConstraintRule(ConstraintKind.Gbnf, options.Gbnf),
        V1.GenerationOptions.ConstraintOneofCase.Lark => new ConstraintRule(ConstraintKind.Lark, options.Lark),
        V1.GenerationOptions.ConstraintOneofCase.Choice => ConstraintRule.Choice(options.Choice.Texts),
        _ => null,
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
