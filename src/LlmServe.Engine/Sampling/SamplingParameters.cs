using LlmServe.Text;

namespace LlmServe.Engine.Sampling;

/// <summary>A request's sampling options in the form that the sampler reads per token without allocating.</summary>
internal sealed class SamplingParameters
{
    /// <param name="options">The request's options.</param>
    /// <param name="tokenizer">Says which tokens are breakers; null: none are.</param>
    public SamplingParameters(SamplingOptions options, ITokenizer? tokenizer = null)
    {
        Temperature = options.Temperature;
        TopK = options.TopK;
        TopP = options.TopP;
        MinP = options.MinP;
        RepetitionPenalty = options.RepetitionPenalty;
        RepetitionWindow = options.RepetitionWindow ?? int.MaxValue;
        FrequencyPenalty = options.FrequencyPenalty;
        PresencePenalty = options.PresencePenalty;
        Dry = options.DryMultiplier == 0 ? null : new DryParameters(options, tokenizer);
        XtcProbability = options.XtcProbability;
        XtcThreshold = options.XtcThreshold;
        Seed = options.Seed;
        Choice = options.Choice;
        BiasTokens = [.. options.LogitBias.Keys];
        BiasValues = [.. options.LogitBias.Values];
    }

    public float Temperature { get; }

    public int TopK { get; }

    public float TopP { get; }

    public float MinP { get; }

    public float RepetitionPenalty { get; }

    /// <summary>Tokens at the end of the sequence that the repetition penalty sees.</summary>
    public int RepetitionWindow { get; }

    public float FrequencyPenalty { get; }

    public float PresencePenalty { get; }

    /// <summary>Against repetitions; null: off.</summary>
    public DryParameters? Dry { get; }

    public float XtcProbability { get; }

    public float XtcThreshold { get; }

    public ulong Seed { get; }

    public int Choice { get; }

    /// <summary>Biased token ids; <see cref="BiasValues"/> runs beside it.</summary>
    public int[] BiasTokens { get; }

    /// <summary>What is added to the logits of <see cref="BiasTokens"/>.</summary>
    public float[] BiasValues { get; }

    /// <summary>Whether the answer's token counts matter.</summary>
    public bool HasCountPenalty => FrequencyPenalty != 0 || PresencePenalty != 0;

    /// <summary>Whether steps 1 and 2 of NUMERICS change any logit (constraints aside).</summary>
    public bool AdjustsLogits => BiasTokens.Length > 0 || RepetitionPenalty != 1 || HasCountPenalty || Dry is not null;
}
