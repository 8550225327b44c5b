using System.Numerics;

namespace LlmServe.Engine.Sampling;

/// <summary>Steps 1 and 2 of NUMERICS' sampling: constraint, bias and penalties.</summary>
internal sealed class LogitAdjuster(int vocabulary)
{
    // Zero between calls: what a call sets it clears again by walking the same tokens, which is cheaper than clearing the vocabulary.
    private readonly int[] _counts = new int[vocabulary]; // [vocabulary]

    /// <summary>Changes <paramref name="logits"/> in place.</summary>
    /// <param name="logits">[vocabulary]</param>
    /// <param name="plan">What to do.</param>
    /// <param name="allowed">One bit per token, lowest first; tokens with a zero bit get −inf. Empty: all are allowed.</param>
    /// <param name="tokens">Prompt and answer so far.</param>
    /// <param name="promptLength">How many of <paramref name="tokens"/> are the prompt.</param>
    public void Apply(Span<float> logits, SamplingParameters plan, ReadOnlySpan<ulong> allowed, ReadOnlySpan<int> tokens, int promptLength)
    {
        if (!allowed.IsEmpty)
        {
            Forbid(logits, allowed);
        }

        for (int i = 0; i < plan.BiasTokens.Length; i++)
        {
            logits[plan.BiasTokens[i]] += plan.BiasValues[i];
        }

        if (plan.RepetitionPenalty != 1)
        {
            Repetition(logits, plan.RepetitionPenalty, tokens[^Math.Min(tokens.Length, plan.RepetitionWindow)..]);
        }

        if (plan.HasCountPenalty)
        {
            FrequencyAndPresence(logits, plan.FrequencyPenalty, plan.PresencePenalty, tokens[promptLength..]);
        }
    }

    private static void Forbid(Span<float> logits, ReadOnlySpan<ulong> allowed)
    {
        for (int word = 0; word * 64 < logits.Length; word++)
        {
            ulong bits = word < allowed.Length ? allowed[word] : 0;
            var own = logits[(word * 64)..Math.Min(logits.Length, (word * 64) + 64)];
            if (bits == 0)
            {
                own.Fill(float.NegativeInfinity); // nearly all words of most constraints
                continue;
            }

            for (ulong forbidden = ~bits; forbidden != 0; forbidden &= forbidden - 1)
            {
                int token = BitOperations.TrailingZeroCount(forbidden);
                if (token < own.Length)
                {
                    own[token] = float.NegativeInfinity;
                }
            }
        }
    }

    private void Repetition(Span<float> logits, float penalty, ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
        {
            if (_counts[token]++ == 0)
            {
                float logit = logits[token];
                logits[token] = logit > 0 ? logit / penalty : logit * penalty;
            }
        }

        Forget(tokens);
    }

    private void FrequencyAndPresence(Span<float> logits, float frequency, float presence, ReadOnlySpan<int> answer)
    {
        foreach (int token in answer)
        {
            _counts[token]++;
        }

        foreach (int token in answer)
        {
            int count = _counts[token];
            if (count > 0)
            {
                logits[token] = logits[token] - frequency * count - presence;
                _counts[token] = 0;
            }
        }
    }

    private void Forget(ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
        {
            _counts[token] = 0;
        }
    }
}
