using LlmServe.Serving;
using LlmServe.V1;

namespace LlmServe.Protocol;

/// <summary>What clients are told of a model.</summary>
internal static class ModelDescription
{
    /// <summary>Describes a model.</summary>
    public static Model Of(ServedModel served)
    {
        var info = served.Engine.Model;
        var tokenizer = served.Engine.Tokenizer;
        var model = new Model
        {
            Id = served.Id,
            Name = served.Name,
            Architecture = info.Architecture,
            Quantization = served.Quantization,
            ContextLength = served.Engine.ContextLength,
            VocabularySize = info.VocabularySize,
            ParameterCount = served.ParameterCount,
            HasChatTemplate = served.Template is not null,
            ChatTemplate = served.TemplateSource,
            DefaultSampling = ToProto(served.DefaultSampling),
        };
        if (tokenizer.BosId is { } bos)
        {
            model.BosTokenId = bos;
        }

        if (tokenizer.EosId is { } eos)
        {
            model.EosTokenId = eos;
        }

        model.EndOfGenerationTokenIds.AddRange(tokenizer.EndOfGenerationIds.Order());
        return model;
    }

    private static SamplingOptions ToProto(Engine.SamplingOptions sampling)
    {
        var proto = new SamplingOptions
        {
            Temperature = sampling.Temperature,
            TopK = sampling.TopK,
            TopP = sampling.TopP,
            MinP = sampling.MinP,
            RepetitionPenalty = sampling.RepetitionPenalty,
            FrequencyPenalty = sampling.FrequencyPenalty,
            PresencePenalty = sampling.PresencePenalty,
        };
        if (sampling.RepetitionWindow is { } window)
        {
            proto.RepetitionWindow = window;
        }

        return proto;
    }
}
