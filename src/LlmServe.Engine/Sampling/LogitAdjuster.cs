namespace LlmServe.Engine.Sampling;

/// <summary>Steps 1 and 2 of NUMERICS' sampling, after the constraint: bias and penalties.</summary>
internal sealed class LogitAdjuster(int vocabulary)
{
    // Zero between calls: what a call sets it clears again by walking the same tokens, which is cheaper than clearing the vocabulary.
    private readonly int[] _counts = new int[vocabulary]; // [vocabulary]

    private readonly DryPenalty _dry = new(vocabulary);

    /// <summary>Changes <paramref name="logits"/> in place.</summary>
    /// <param name="logits">[vocabulary]</param>
    /// <param name="plan">What to do.</param>
    /// <param name="tokens">Prompt and answer so far.</param>
    /// <param name="promptLength">How many of <paramref name="tokens"/> are the prompt.</param>
    public void Apply(Span<float> logits, SamplingParameters plan, ReadOnlySpan<int> tokens, int promptLength)
    {
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

        if (plan.Dry is { } dry)
        {
            _dry.Apply(logits, dry, tokens);
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
