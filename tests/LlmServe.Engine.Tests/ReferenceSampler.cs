using LlmServe.Execution.Numerics;
using LlmServe.Engine.Sampling;

namespace LlmServe.Engine.Tests;

/// <summary>NUMERICS' sampling written down step by step, with a full sort: slow, plain, and what the real sampler must equal.</summary>
internal static class ReferenceSampler
{
    public static (int Token, List<int> Kept) Sample(
        ReadOnlySpan<float> row, SamplingOptions options, int[] tokens, int promptLength, ulong[] allowed, int index, Func<int, bool>? isBreaker = null)
    {
        float[] logits = row.ToArray();
        Adjust(logits, options, tokens, promptLength, allowed, isBreaker);
        if (options.Temperature == 0)
        {
            int best = 0;
            for (int i = 1; i < logits.Length; i++)
            {
                best = logits[i] > logits[best] ? i : best;
            }

            return (best, [best]);
        }

        for (int i = 0; i < logits.Length; i++)
        {
            logits[i] /= options.Temperature;
        }

        var kept = Enumerable.Range(0, logits.Length).Where(id => logits[id] > float.NegativeInfinity)
            .OrderByDescending(id => logits[id]).ThenBy(id => id).ToList();
        if (kept.Count == 0)
        {
            // Nothing is finite after the division: the largest before it.
            float[] before = row.ToArray();
            Adjust(before, options, tokens, promptLength, allowed, isBreaker);
            int largest = Array.IndexOf(before, before.Max());
            return (largest, [largest]);
        }

        kept = options.TopK > 0 ? [.. kept.Take(options.TopK)] : kept;
        float most = logits[kept[0]];
        var weights = kept.ToDictionary(id => id, id => NumericsMath.Exp(logits[id] - most));
        if (options.TopP < 1)
        {
            float target = options.TopP * Sum(kept, weights);
            float running = 0;
            int count = 0;
            while (count < kept.Count && running < target)
            {
                running += weights[kept[count++]];
            }

            kept = [.. kept.Take(count)];
        }

        if (options.MinP > 0)
        {
            kept = [.. kept.Where(id => weights[id] >= options.MinP)];
        }

        kept = ExcludeTopChoices(kept, weights, options, index);
        return (Draw(kept, weights, Philox.Uniform(options.Seed, index, options.Choice)), kept);
    }

    private static List<int> ExcludeTopChoices(List<int> kept, Dictionary<int, float> weights, SamplingOptions options, int index)
    {
        uint word = Philox.Block(options.Seed, (uint)index, (uint)options.Choice, 1, 0).X0;
        float sum = Sum(kept, weights);
        int likely = kept.Count(id => weights[id] >= options.XtcThreshold * sum);
        return options.XtcProbability > 0 && (word >> 8) * (1f / (1 << 24)) < options.XtcProbability && likely >= 2
            ? [.. kept.Skip(likely - 1).Where(id => weights[id] >= sum * (1f / (1 << 24)))] : kept;
    }

    private static void Dry(float[] logits, SamplingOptions options, int[] tokens, Func<int, bool> isBreaker)
    {
        int[] window = [.. tokens.TakeLast(options.DryWindow ?? tokens.Length)];
        int most = window.Reverse().TakeWhile(token => !isBreaker(token)).Count();
        var longest = new Dictionary<int, int>();
        for (int end = 1; end < window.Length; end++)
        {
            int length = 0;
            while (length < Math.Min(end, most) && window[end - 1 - length] == window[^(length + 1)])
            {
                length++;
            }

            longest[window[end]] = Math.Max(length, longest.GetValueOrDefault(window[end]));
        }

        foreach (var (token, length) in longest.Where(entry => entry.Value >= options.DryAllowedLength))
        {
            float power = 1;
            for (int i = options.DryAllowedLength; i < length; i++)
            {
                power = Math.Min(power * options.DryBase, float.MaxValue);
            }

            logits[token] -= Math.Min(options.DryMultiplier * power, float.MaxValue);
        }
    }

    private static void Adjust(float[] logits, SamplingOptions options, int[] tokens, int promptLength, ulong[] allowed, Func<int, bool>? isBreaker)
    {
        for (int i = 0; allowed.Length > 0 && i < logits.Length; i++)
        {
            logits[i] = (allowed[i / 64] >> (i % 64) & 1) == 0 ? float.NegativeInfinity : logits[i];
        }

        foreach (var (token, bias) in options.LogitBias)
        {
            logits[token] += bias;
        }

        if (options.RepetitionPenalty != 1)
        {
            foreach (int token in tokens.TakeLast(options.RepetitionWindow ?? tokens.Length).Distinct())
            {
                float logit = logits[token];
                logits[token] = logit > 0 ? logit / options.RepetitionPenalty : logit * options.RepetitionPenalty;
            }
        }

        if (options.FrequencyPenalty != 0 || options.PresencePenalty != 0)
        {
            foreach (var group in tokens.Skip(promptLength).GroupBy(token => token))
            {
                float frequency = options.FrequencyPenalty * group.Count();
                logits[group.Key] = logits[group.Key] - frequency - options.PresencePenalty;
            }
        }

        if (options.DryMultiplier != 0)
        {
            Dry(logits, options, tokens, isBreaker ?? (_ => false));
        }
    }

    private static float Sum(List<int> kept, Dictionary<int, float> weights)
    {
        float sum = 0;
        foreach (int id in kept)
        {
            sum += weights[id];
        }

        return sum;
    }

    private static int Draw(List<int> kept, Dictionary<int, float> weights, float uniform)
    {
        float target = uniform * Sum(kept, weights);
        float running = 0;
        foreach (int id in kept)
        {
            running += weights[id];
            if (running > target)
            {
                return id;
            }
        }

        return kept[^1];
    }
}
