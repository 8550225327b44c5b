using LlmServe.V1;
using Microsoft.Extensions.AI;

namespace LlmServe.Extensions.AI.Requests;

/// <summary>Turns options of Microsoft.Extensions.AI into a request's generation options. What the request has already stays.</summary>
internal static class GenerationMapper
{
    /// <summary>Most stop texts of a request.</summary>
    private const int MostStops = 16;

    /// <summary>Maps all that is neither a tool nor a message.</summary>
    /// <exception cref="ArgumentException">A value is not allowed.</exception>
    /// <exception cref="NotSupportedException">The response format is of an unknown kind.</exception>
    public static void Map(ChatOptions options, GenerationOptions target)
    {
        var additional = new AdditionalOptions(options.AdditionalProperties);
        MapSampling(options, additional, target.Sampling);
        if (!target.HasMaxTokens && options.MaxOutputTokens is { } most)
        {
            target.MaxTokens = most;
        }

        MapStops(options.StopSequences, target);
        if (!target.HasLogprobs && additional.Logprobs() is { } alternatives)
        {
            target.Logprobs = alternatives;
        }

        MapRule(options.ResponseFormat, additional, target);
    }

    private static void MapStops(IList<string>? stops, GenerationOptions target)
    {
        if (stops is null || target.Stop.Count > 0)
        {
            return;
        }

        if (stops.Count > MostStops)
        {
            throw new ArgumentException($"ChatOptions.StopSequences has {stops.Count} texts; allowed are {MostStops}.", nameof(stops));
        }

        target.Stop.AddRange(stops);
    }

    private static void MapSampling(ChatOptions options, AdditionalOptions additional, SamplingOptions target)
    {
        target.Set(options.Temperature, target.HasTemperature, (sampling, value) => sampling.Temperature = value);
        target.Set(options.TopP, target.HasTopP, (sampling, value) => sampling.TopP = value);
        target.Set(options.TopK, target.HasTopK, (sampling, value) => sampling.TopK = value);
        target.Set(options.FrequencyPenalty, target.HasFrequencyPenalty, (sampling, value) => sampling.FrequencyPenalty = value);
        target.Set(options.PresencePenalty, target.HasPresencePenalty, (sampling, value) => sampling.PresencePenalty = value);
        target.Set(options.Seed, target.HasSeed, (sampling, value) => sampling.Seed = unchecked((ulong)value));
        target.Set(additional.Single("min_p"), target.HasMinP, (sampling, value) => sampling.MinP = value);
        target.Set(additional.Single("repetition_penalty"), target.HasRepetitionPenalty, (sampling, value) => sampling.RepetitionPenalty = value);
        target.Set(additional.Int32("repetition_window"), target.HasRepetitionWindow, (sampling, value) => sampling.RepetitionWindow = value);
        if (target.LogitBias.Count == 0)
        {
            foreach (var (token, bias) in additional.LogitBias())
            {
                target.LogitBias[token] = bias;
            }
        }
    }

    private static void Set<T>(this SamplingOptions target, T? value, bool isSet, Action<SamplingOptions, T> set) where T : struct
    {
        if (value is { } given && !isSet)
        {
            set(target, given);
        }
    }

    private static void MapRule(ChatResponseFormat? format, AdditionalOptions additional, GenerationOptions target)
    {
        if (target.ConstraintCase != GenerationOptions.ConstraintOneofCase.None)
        {
            return;
        }

        switch (format)
        {
            case null or ChatResponseFormatText:
                MapLooseRule(additional, target);
                break;
            case ChatResponseFormatJson { Schema: { } schema }:
                // Members that nobody asked for only cost time: what is generated fits the schema either way.
                target.JsonSchema = new JsonSchema { Schema = schema.GetRawText(), CloseObjects = additional.Boolean("strict") ?? true };
                break;
            case ChatResponseFormatJson:
                target.JsonObject = true;
                break;
            default:
                throw new NotSupportedException($"ChatOptions.ResponseFormat is a {format.GetType().Name}; allowed are text and JSON, with or without a schema.");
        }
    }

    private static void MapLooseRule(AdditionalOptions additional, GenerationOptions target)
    {
        if (additional.Text("grammar") is { } gbnf)
        {
            target.Gbnf = gbnf;
        }
        else if (additional.Text("regex") is { } regex)
        {
            target.Regex = regex;
        }
        else if (additional.Text("lark") is { } lark)
        {
            target.Lark = lark;
        }
        else if (additional.Texts("choice") is { } choices)
        {
            target.Choice = new Choices { Texts = { choices } };
        }
    }
}
