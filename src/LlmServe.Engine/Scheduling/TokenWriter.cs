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
        ref var tick = ref sequence.Tick;
        tick.Chosen = 0;
        if (tick.Logits < 0)
        {
            return;
        }

        var tokens = sequence.Tokens;
        int right = 0;
        while (true)
        {
            int index = tokens.Length + right;
            int token = _sampler.Sample(
                executor.Logits(tick.Logits + right), sequence.Sampling, tokens.First(index), tokens.PromptLength, [], index);
            if (token < 0)
            {
                sequence.Fault = new EngineException(
                    EngineError.InvalidArgument, $"logit_bias forbids every token at position {index}; leave at least one that can be chosen", "logit_bias");
                tick.Chosen = right;
                return;
            }

            bool confirms = right < tick.Drafts && tokens[index] == token;
            tokens.Try(right, token);
            if (!confirms)
            {
                break;
            }

            right++;
        }

        tick.Chosen = right + 1;
    }

    /// <summary>Takes the chosen tokens into the answer and sends them. Returns whether, and why, the answer ends with them.</summary>
    public FinishReason Write(Sequence sequence)
    {
        if (sequence.Record.FirstToken == 0)
        {
            sequence.Record.FirstToken = Stopwatch.GetTimestamp();
        }

        int start = sequence.Tokens.Length;
        string text = "";
        var reason = FinishReason.None;
        for (; sequence.Tick.Chosen > 0 && reason == FinishReason.None; sequence.Tick.Chosen--)
        {
            reason = Append(sequence, sequence.Tokens.Accept(), out string more);
            text = text.Length == 0 ? more : text + more;
        }

        if (reason != FinishReason.None)
        {
            text += sequence.Text.Finish();
        }

        int[] tokens = sequence.Tokens.Known[start..].ToArray();
        var logProbabilities = Report(sequence, tokens);
        sequence.Stream.Write(reason == FinishReason.None
            ? new GenerationUpdate(text, tokens, logProbabilities)
            : Last(sequence, text, tokens, logProbabilities, reason));
        return reason;
    }

    /// <summary>Sends the last update of a sequence that ends without a token.</summary>
    public static void WriteEnd(Sequence sequence, FinishReason reason, string? message) =>
        sequence.Stream.Write(Last(sequence, sequence.Text.Finish(), [], null, reason) with { Message = message });

    private static GenerationUpdate Last(
        Sequence sequence, string text, int[] tokens, TokenLogProbability[]? logProbabilities, FinishReason reason) => new(
            text, tokens, logProbabilities, reason, sequence.Record.UsageOf(sequence.Tokens), sequence.Record.TimingsOf(sequence.Tokens));

    private FinishReason Append(Sequence sequence, int token, out string text)
    {
        if (!sequence.Request.IgnoreEndOfGeneration && endOfGeneration.Contains(token))
        {
            text = "";
            return FinishReason.Stop;
        }

        text = sequence.Text.Append(token);
        return sequence.Text.Stopped ? FinishReason.Stop
            : sequence.Tokens.Length == sequence.Tokens.Limit ? FinishReason.Length
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
            reports[i] = _logProbabilities.Report(executor.Logits(sequence.Tick.Logits + i), tokens[i], count);
        }

        return reports;
    }
}
