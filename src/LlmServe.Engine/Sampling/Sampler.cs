namespace LlmServe.Engine.Sampling;

/// <summary>
/// Chooses the next token of a sequence as NUMERICS ("Sampling") says, f32 operation by f32 operation. One instance serves all sequences of an
/// engine thread; nothing is allocated per token. Not thread-safe.
/// </summary>
/// <param name="vocabulary">Width of a logits row.</param>
internal sealed class Sampler(int vocabulary)
{
    private readonly float[] _adjusted = new float[vocabulary]; // [vocabulary]
    private readonly LogitAdjuster _adjuster = new(vocabulary);
    private readonly TokenRanking _ranking = new(vocabulary);

    /// <summary>What the last <see cref="Sample"/> above temperature 0 drew from.</summary>
    internal TokenRanking Ranking => _ranking;

    /// <summary>Chooses a token.</summary>
    /// <param name="logits">As the model gave them; not changed. [vocabulary]</param>
    /// <param name="plan">How to choose.</param>
    /// <param name="tokens">Prompt and answer so far.</param>
    /// <param name="promptLength">How many of <paramref name="tokens"/> are the prompt.</param>
    /// <param name="allowed">One bit per token, lowest first; empty: all are allowed.</param>
    /// <param name="index">Index of the token in the sequence, which names the random draw.</param>
    /// <returns>The token; −1 where bias and constraint forbid all of them.</returns>
    public int Sample(
        ReadOnlySpan<float> logits, SamplingParameters plan, ReadOnlySpan<int> tokens, int promptLength, ReadOnlySpan<ulong> allowed, int index)
    {
        if (!plan.AdjustsLogits && allowed.IsEmpty)
        {
            return Choose(logits, plan, index);
        }

        if (allowed.IsEmpty)
        {
            logits.CopyTo(_adjusted);
        }
        else
        {
            LogitScan.CopyAllowed(logits, allowed, _adjusted);
        }

        _adjuster.Apply(_adjusted, plan, tokens, promptLength);
        int token = Choose(_adjusted, plan, index);
        return float.IsNegativeInfinity(_adjusted[token]) ? -1 : token;
    }

    private int Choose(ReadOnlySpan<float> logits, SamplingParameters plan, int index)
    {
        if (plan.Temperature == 0)
        {
            return LogitScan.ArgMax(logits);
        }

        _ranking.Rank(logits, plan.Temperature, plan.TopK, plan.TopP < 1 ? 0 : plan.MinP);
        if (plan.TopP < 1)
        {
            _ranking.KeepTopP(plan.TopP);
        }

        if (plan.MinP > 0)
        {
            _ranking.KeepMinP(plan.MinP);
        }

        if (plan.XtcProbability > 0 && Philox.Uniform(plan.Seed, index, plan.Choice, draw: 1) < plan.XtcProbability)
        {
            _ranking.ExcludeTopChoices(plan.XtcThreshold);
        }

        return _ranking.Draw(Philox.Uniform(plan.Seed, index, plan.Choice));
    }
}
