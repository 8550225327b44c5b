using LlmServe.Cli.Models;
using LlmServe.Execution;

namespace LlmServe.Cli.Bench;

/// <summary>
/// Perplexity of a text, read in windows that each start afresh: exp of the mean negative log-likelihood of every token but a window's first.
/// Lower is better; only figures of equal windows compare.
/// </summary>
internal static class Perplexity
{
    /// <summary>Tokens of a window.</summary>
    public const int Window = 512;

    /// <summary>Measures.</summary>
    /// <param name="executor">The model; its first slot's positions are overwritten.</param>
    /// <param name="ids">The text, at least two tokens.</param>
    /// <param name="cancellation">Asked between ticks.</param>
    public static PerplexityResult Measure(IProgramExecutor executor, IReadOnlyList<int> ids, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ids.Count, 2, nameof(ids));
        var runner = new SequenceRunner(executor);
        int window = Math.Min(Window, runner.Capacity);
        double sum = 0;
        int count = 0;
        for (int start = 0; start < ids.Count - 1; start += window)
        {
            int[] piece = [.. ids.Skip(start).Take(window)];
            runner.Run(piece, 0, executor.Rows.Capacity, Receive, cancellation);

            void Receive(int position, ReadOnlySpan<float> logits)
            {
                if (position + 1 < piece.Length)
                {
                    sum += NegativeLogLikelihood(logits, piece[position + 1]);
                    count++;
                }
            }
        }

        return new PerplexityResult(count, Math.Exp(sum / count));
    }

    /// <summary>−ln of the probability that softmax gives a token.</summary>
    public static double NegativeLogLikelihood(ReadOnlySpan<float> logits, int token)
    {
        double largest = double.NegativeInfinity;
        foreach (float logit in logits)
        {
            largest = Math.Max(largest, logit);
        }

        double total = 0;
        foreach (float logit in logits)
        {
            total += Math.Exp(logit - largest);
        }

        return Math.Log(total) + largest - logits[token];
    }
}
