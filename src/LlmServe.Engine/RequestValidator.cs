using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace LlmServe.Engine;

/// <summary>Checks requests before anything is spent on them. Every failure names the field, what was found and what is allowed.</summary>
internal static class RequestValidator
{
    /// <summary>Checks a request and copies its prompt, which the caller could still change.</summary>
    /// <param name="request">The request.</param>
    /// <param name="vocabulary">Token ids are below this.</param>
    /// <param name="tokens">Tokens of the tokenizer, which can have more.</param>
    /// <param name="context">Most positions of a sequence.</param>
    /// <exception cref="EngineException">Something is wrong with it (<see cref="EngineError.InvalidArgument"/>).</exception>
    public static int[] Check(GenerationRequest request, int vocabulary, int tokens, int context)
    {
        ArgumentNullException.ThrowIfNull(request);
        int[] prompt = CheckPrompt(request.Prompt, vocabulary, context);
        CheckShare(request.MaxTokens, request.Client, request.Priority);
        if (request.LogProbabilities is < 0 or > RequestLimits.MaxLogProbabilities)
        {
            Throw("log_probabilities", $"must be 0 to {RequestLimits.MaxLogProbabilities}; found {request.LogProbabilities}");
        }

        if (request.LikelyPrefixes.Count > RequestLimits.MaxLikelyPrefixes)
        {
            Throw("likely_prefixes", $"has {request.LikelyPrefixes.Count} positions; at most {RequestLimits.MaxLikelyPrefixes} are allowed");
        }

        if (request.Constraint is { } constraint && constraint.Vocabulary.Size != tokens)
        {
            Throw("constraint", $"was compiled for a vocabulary of {constraint.Vocabulary.Size} tokens; the model's has {tokens}");
        }

        CheckTexts("stop", request.Stop);
        CheckSampling(request.Sampling, vocabulary);
        return prompt;
    }

    /// <summary>Checks what a plan is asked for.</summary>
    /// <exception cref="EngineException">Something is wrong with it (<see cref="EngineError.InvalidArgument"/>).</exception>
    public static void CheckPlan(int promptTokens, int? maxTokens, string? client, int priority)
    {
        if (promptTokens < 1)
        {
            Throw("prompt", $"must have at least one token; found {promptTokens}");
        }

        CheckShare(maxTokens, client, priority);
    }

    /// <summary>What is wrong with who asks and how urgently; null: nothing.</summary>
    public static EngineException? ShareError(string? client, int priority) =>
        client?.Length > RequestLimits.MaxClientLength
            ? Error("client", $"has {client.Length} characters; at most {RequestLimits.MaxClientLength} are allowed")
        : priority is < RequestLimits.MinPriority or > RequestLimits.MaxPriority
            ? Error("priority", $"must be {RequestLimits.MinPriority} to {RequestLimits.MaxPriority}; found {priority}")
        : null;

    private static void CheckShare(int? maxTokens, string? client, int priority)
    {
        if (maxTokens is < 1)
        {
            Throw("max_tokens", $"must be at least 1; found {maxTokens}");
        }

        if (ShareError(client, priority) is { } error)
        {
            throw error;
        }
    }

    private static int[] CheckPrompt(IReadOnlyList<int> tokens, int vocabulary, int context)
    {
        // The length first: copying a huge prompt only to refuse it would cost memory.
        int length = tokens?.Count ?? 0;
        if (length == 0)
        {
            Throw("prompt", "must have at least one token; it is empty");
        }

        if (length >= context)
        {
            Throw("prompt", $"has {length} tokens, but the context holds {context} tokens including at least one of the answer; shorten the prompt");
        }

        int[] prompt = [.. tokens!];
        for (int i = 0; i < prompt.Length; i++)
        {
            if ((uint)prompt[i] >= (uint)vocabulary)
            {
                Throw("prompt", $"token {prompt[i]} at index {i} is not in the vocabulary; ids are 0 to {vocabulary - 1}");
            }
        }

        return prompt;
    }

    private static void CheckTexts(string field, IReadOnlyList<string> texts)
    {
        if (texts.Count > RequestLimits.MaxStops)
        {
            Throw(field, $"has {texts.Count} texts; at most {RequestLimits.MaxStops} are allowed");
        }

        for (int i = 0; i < texts.Count; i++)
        {
            string text = texts[i];
            if (string.IsNullOrEmpty(text))
            {
                Throw(field, $"text {i} is empty; it needs at least one character");
            }

            if (text.Length > RequestLimits.MaxStopLength)
            {
                Throw(field, $"text {i} has {text.Length} characters; at most {RequestLimits.MaxStopLength} are allowed");
            }

            if (HasLoneSurrogate(text))
            {
                Throw(field, $"text {i} is not valid Unicode: it holds half of a surrogate pair");
            }
        }
    }

    private static bool HasLoneSurrogate(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return true;
            }
        }

        return false;
    }

    private static void CheckSampling(SamplingOptions sampling, int vocabulary)
    {
        Require(sampling.Temperature >= 0 && float.IsFinite(sampling.Temperature), "temperature", "must be 0 or more and finite", sampling.Temperature);
        Require(sampling.TopK >= 0, "top_k", "must be 0 (all) or more", sampling.TopK);
        Require(sampling.TopP is > 0 and <= 1, "top_p", "must be above 0 and at most 1", sampling.TopP);
        Require(sampling.MinP is >= 0 and <= 1, "min_p", "must be 0 to 1", sampling.MinP);
        float repetition = sampling.RepetitionPenalty;
        Require(repetition > 0 && float.IsFinite(repetition), "repetition_penalty", "must be above 0 and finite", repetition);
        Require(sampling.RepetitionWindow is null or >= 0, "repetition_window", "must be 0 or more", sampling.RepetitionWindow ?? 0);
        Require(float.IsFinite(sampling.FrequencyPenalty), "frequency_penalty", "must be finite", sampling.FrequencyPenalty);
        Require(float.IsFinite(sampling.PresencePenalty), "presence_penalty", "must be finite", sampling.PresencePenalty);
        Require(sampling.DryMultiplier >= 0 && float.IsFinite(sampling.DryMultiplier), "dry_multiplier", "must be 0 (off) or more and finite", sampling.DryMultiplier);
        Require(sampling.DryBase >= 1 && float.IsFinite(sampling.DryBase), "dry_base", "must be 1 or more and finite", sampling.DryBase);
        Require(sampling.DryAllowedLength >= 1, "dry_allowed_length", "must be 1 or more", sampling.DryAllowedLength);
        Require(sampling.DryWindow is null or >= 0, "dry_window", "must be 0 or more", sampling.DryWindow ?? 0);
        CheckTexts("dry_breakers", sampling.DryBreakers);
        Require(sampling.XtcProbability is >= 0 and <= 1, "xtc_probability", "must be 0 to 1", sampling.XtcProbability);
        Require(sampling.XtcThreshold is > 0 and <= 1, "xtc_threshold", "must be above 0 and at most 1", sampling.XtcThreshold);
        Require(sampling.Choice >= 0, "choice", "must be 0 or more", sampling.Choice);
        if (sampling.LogitBias.Count > vocabulary)
        {
            Throw("logit_bias", $"has {sampling.LogitBias.Count} entries; the vocabulary has {vocabulary} tokens");
        }

        int forbidden = 0;
        foreach (var (token, bias) in sampling.LogitBias)
        {
            forbidden += float.IsNegativeInfinity(bias) ? 1 : 0;
            if ((uint)token >= (uint)vocabulary)
            {
                Throw("logit_bias", $"token {token} is not in the vocabulary; ids are 0 to {vocabulary - 1}");
            }

            if (float.IsNaN(bias) || float.IsPositiveInfinity(bias))
            {
                Throw("logit_bias", $"of token {token} must be finite, or -inf to forbid it; found {Text(bias)}");
            }
        }

        if (forbidden == vocabulary)
        {
            Throw("logit_bias", $"forbids all {vocabulary} tokens; leave at least one that can be chosen");
        }
    }

    private static void Require(bool condition, string field, string rule, float found)
    {
        if (!condition)
        {
            Throw(field, $"{rule}; found {Text(found)}");
        }
    }

    private static string Text(float value) => value.ToString("R", CultureInfo.InvariantCulture);

    [DoesNotReturn]
    private static void Throw(string field, string message) => throw Error(field, message);

    private static EngineException Error(string field, string message) => new(EngineError.InvalidArgument, $"{field} {message}", field);
}
