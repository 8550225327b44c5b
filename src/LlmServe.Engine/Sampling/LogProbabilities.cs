using LlmServe.Execution.Numerics;

namespace LlmServe.Engine.Sampling;

/// <summary>
/// Log-probabilities for reports: over the logits as the model gave them, before any step of sampling (NUMERICS: "Sampling", last paragraph).
/// </summary>
internal sealed class LogProbabilities(int vocabulary)
{
    private readonly float[] _exponentials = new float[vocabulary]; // [vocabulary]
    private readonly int[] _top = new int[RequestLimits.MaxLogProbabilities];

    /// <summary>The chosen token's log-probability and those of the <paramref name="count"/> likeliest tokens, descending, ties to the lower id.</summary>
    public TokenLogProbability Report(ReadOnlySpan<float> logits, int token, int count)
    {
        float max = LogitScan.Max(logits);
        var exponentials = _exponentials.AsSpan(0, logits.Length);
        for (int i = 0; i < logits.Length; i++)
        {
            exponentials[i] = logits[i] - max;
        }

        NumericsMath.Exp(exponentials, exponentials);
        float sum = 0;
        foreach (float value in exponentials)
        {
            sum += value;
        }

        float logSum = (float)Math.Log(sum);
        int found = FindTop(logits, Math.Min(count, logits.Length));
        var top = new KeyValuePair<int, float>[found];
        for (int i = 0; i < found; i++)
        {
            top[i] = new(_top[i], logits[_top[i]] - max - logSum);
        }

        return new TokenLogProbability(token, logits[token] - max - logSum, top);
    }

    /// <summary>Insertion into a short sorted list: nearly every logit fails the first comparison.</summary>
    private int FindTop(ReadOnlySpan<float> logits, int count)
    {
        int found = 0;
        for (int id = 0; count > 0 && id < logits.Length; id++)
        {
            if (found == count && !(logits[id] > logits[_top[found - 1]]))
            {
                continue;
            }

            int at = found < count ? found++ : found - 1;
            for (; at > 0 && logits[id] > logits[_top[at - 1]]; at--)
            {
                _top[at] = _top[at - 1];
            }

            _top[at] = id;
        }

        return found;
    }
}
