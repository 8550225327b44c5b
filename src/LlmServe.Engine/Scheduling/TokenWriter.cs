using System.Diagnostics;
using LlmServe.Engine.Sampling;
using LlmServe.Execution;

namespace LlmServe.Engine.Scheduling;

/// <summary>After a tick: chooses each sequence's next token and sends it to its client.</summary>
internal sealed class TokenWriter(IProgramExecutor executor, IReadOnlySet<int> endOfGeneration)
{
    private readonly Sampler _sampler = new(executor.Model.VocabularySize);
    private readonly LogProbabilities _logProbabilities = new(executor.Model.VocabularySize);

    /// <summary>
    /// Chooses the tokens that the tick's logits give: one, and one more for every guess that the one before it confirms. A guess counts only if it is
    /// the very token that would have been chosen without it, so guessing never changes an answer. Allocates nothing.
    /// </summary>
    public void Choose(Sequence sequence)
    {
        sequence.TickChosen = 0;
        if (sequence.TickLogits < 0)
        {
            return;
        }

        int right = 0;
        while (true)
        {
            int index = sequence.Length + right;
            int token = _sampler.Sample(
                executor.Logits(sequence.TickLogits + right), sequence.Plan, sequence.Tokens.AsSpan(0, index), sequence.PromptLength, [], index);
            if (token < 0)
            {
                sequence.Fault = new EngineException(
                    EngineError.InvalidArgument, $"logit_bias forbids every token at position {index}; leave at least one that can be chosen", "logit_bias");
                sequence.TickChosen = right;
                return;
            }

            bool confirms = right < sequence.TickGuesses && sequence.Tokens[index] == token;
            sequence.Tokens[index] = token;
            if (!confirms)
            {
                break;
            }

            right++;
        }

        sequence.TickChosen = right + 1;
    }

    /// <summary>Takes the chosen tokens into the answer and sends them. Returns whether, and why, the answer ends with them.</summary>
    public FinishReason Write(Sequence sequence)
    {
        if (sequence.FirstToken == 0)
        {
            sequence.FirstToken = Stopwatch.GetTimestamp();
        }

        int start = sequence.Length;
        string text = "";
        var reason = FinishReason.None;
        while (sequence.TickChosen > 0 && reason == FinishReason.None)
        {
            reason = Append(sequence, sequence.Accept(), out string more);
            text = text.Length == 0 ? more : text + more;
        }

        if (reason != FinishReason.None)
        {
            text += sequence.Text.Finish();
        }

        int[] tokens = [.. sequence.Tokens.AsSpan(start, sequence.Length - start)];
        sequence.Stream.Write(new GenerationUpdate(
            text, tokens, Report(sequence, tokens), reason, reason == FinishReason.None ? null : UsageOf(sequence), TimingsOf(sequence, reason)));
        return reason;
    }

    /// <summary>Sends the last update of a sequence that ends without a token.</summary>
    public static void WriteEnd(Sequence sequence, FinishReason reason, string? message) => sequence.Stream.Write(
        new GenerationUpdate(sequence.Text.Finish(), [], null, reason, UsageOf(sequence), TimingsOf(sequence, reason)) { Message = message });

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

    private TokenLogProbability[]? Report(Sequence sequence, int[] tokens)
    {
        if (sequence.Request.LogProbabilities is not { } count)
        {
            return null;
        }

        var reports = new TokenLogProbability[tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
        {
            reports[i] = _logProbabilities.Report(executor.Logits(sequence.TickLogits + i), tokens[i], count);
        }

        return reports;
    }

    private static Usage UsageOf(Sequence sequence) =>
        new(sequence.PromptLength, sequence.Length - sequence.PromptLength, sequence.CachedPrompt)
        {
            GuessedTokens = sequence.Guesses?.Guessed ?? 0,
            AcceptedGuesses = sequence.Guesses?.Accepted ?? 0,
        };

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
        int further = sequence.Length - sequence.PromptLength - 1;
        return new Timings(Seconds(sequence.Submitted, started), Seconds(started, first), Seconds(first, now))
        {
            TimeToFirstToken = sequence.FirstToken == 0 ? null : Seconds(sequence.Submitted, first),
            TokensPerSecond = further > 0 ? further / Math.Max(Seconds(first, now), 1e-9) : null,
            PredictedTimeToFirstToken = sequence.Predicted?.FirstToken,
            PredictedTokensPerSecond = sequence.Predicted?.TokensPerSecond,
        };
    }

    private static double Seconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds;
}
