using System.Diagnostics;
using LlmServe.Compiler;
using LlmServe.Engine.Sampling;

namespace LlmServe.Engine.Scheduling;

/// <summary>After a tick: chooses each sequence's next token and sends it to its client.</summary>
internal sealed class TokenWriter(IProgramExecutor executor, IReadOnlySet<int> endOfGeneration)
{
    private readonly Sampler _sampler = new(executor.Model.VocabularySize);
    private readonly LogProbabilities _logProbabilities = new(executor.Model.VocabularySize);

    /// <summary>Chooses the next token from the tick's logits. Allocates nothing.</summary>
    public int Choose(Sequence sequence) => _sampler.Sample(
        executor.Logits(sequence.TickLogits), sequence.Plan, sequence.Tokens.AsSpan(0, sequence.Length), sequence.PromptLength, [], sequence.Length);

    /// <summary>Adds the token to the answer and sends it. Returns whether, and why, the answer ends with it.</summary>
    public FinishReason Write(Sequence sequence, int token)
    {
        if (sequence.FirstToken == 0)
        {
            sequence.FirstToken = Stopwatch.GetTimestamp();
        }

        sequence.Add(token);
        var reason = Append(sequence, token, out string text);
        if (reason != FinishReason.None)
        {
            text += sequence.Text.Finish();
            // The held-back rest can hold a stop text only when the last character was incomplete until now.
            reason = sequence.Text.Stopped ? FinishReason.Stop : reason;
        }

        sequence.Stream.Write(new GenerationUpdate(
            text, [token], Report(sequence, token), reason, reason == FinishReason.None ? null : UsageOf(sequence), TimingsOf(sequence, reason)));
        return reason;
    }

    /// <summary>Sends the last update of a sequence that ends without a token.</summary>
    public static void WriteEnd(Sequence sequence, FinishReason reason) =>
        sequence.Stream.Write(new GenerationUpdate(sequence.Text.Finish(), [], null, reason, UsageOf(sequence), TimingsOf(sequence, reason)));

    private FinishReason Append(Sequence sequence, int token, out string text)
    {
        if (!sequence.Request.IgnoreEndOfGeneration && endOfGeneration.Contains(token))
        {
            text = "";
            return FinishReason.Stop;
        }

        text = sequence.Text.Append(token);
        return sequence.Text.Stopped ? FinishReason.Stop
            : sequence.Length == sequence.Limit ? FinishReason.Length
            : FinishReason.None;
    }

    private TokenLogProbability[]? Report(Sequence sequence, int token) => sequence.Request.LogProbabilities is { } count
        ? [_logProbabilities.Report(executor.Logits(sequence.TickLogits), token, count)]
        : null;

    private static Usage UsageOf(Sequence sequence) =>
        new(sequence.PromptLength, sequence.Length - sequence.PromptLength, sequence.CachedPrompt);

    private static Timings? TimingsOf(Sequence sequence, FinishReason reason)
    {
        if (reason == FinishReason.None)
        {
            return null;
        }

        // A step that was never reached took no time; the one before it lasted until now.
        long now = Stopwatch.GetTimestamp();
        long started = sequence.Started == 0 ? now : sequence.Started;
        long first = sequence.FirstToken == 0 ? now : sequence.FirstToken;
        return new Timings(Seconds(sequence.Submitted, started), Seconds(started, first), Seconds(first, now));
    }

    private static double Seconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds;
}
