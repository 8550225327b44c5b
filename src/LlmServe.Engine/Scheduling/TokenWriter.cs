using System.Diagnostics;
using LlmServe.Engine.Sampling;
using LlmServe.Execution;

namespace LlmServe.Engine.Scheduling;

/// <summary>After a tick: chooses each sequence's next token and sends it to its client.</summary>
internal sealed class TokenWriter(IProgramExecutor executor, IReadOnlySet<int> endOfGeneration)
{
    /// <summary>Most tokens that are taken at once because they are certain.</summary>
    private const int MostForced = 256;

    private readonly Sampler _sampler = new(executor.Model.VocabularySize);
    private readonly LogProbabilities _logProbabilities = new(executor.Model.VocabularySize);

    /// <summary>
    /// Chooses the tokens that the tick's logits give: one, and one more for every draft that the one before it confirms. A draft counts only if it is
    /// the very token that would have been chosen without it, so drafting never changes an answer. Tokens that a constraint then makes certain are taken
    /// too. Allocates nothing.
    /// </summary>
    public void Choose(Sequence sequence)
    {
        ref var tick = ref sequence.Tick;
        tick.Chosen = 0;
        tick.Sampled = 0;
        if (tick.Logits < 0)
        {
            return;
        }

        while (TryNext(sequence, out int token))
        {
            bool confirms = tick.Sampled < tick.Drafts && sequence.Tokens[sequence.Tokens.Length + tick.Sampled] == token;
            sequence.Tokens.Try(tick.Sampled, token);
            tick.Sampled++;
            if (!confirms || sequence.Constraint is { MustEnd: true })
            {
                break;
            }
        }

        tick.Chosen = tick.Sampled;
        if (sequence is { Constraint: { } constraint, Fault: null } && sequence.Request.LogProbabilities is null)
        {
            Forward(sequence, constraint);
        }
    }

    /// <summary>Chooses the next token from the next row of logits. False when that cannot be: the sequence's fault then says why.</summary>
    private bool TryNext(Sequence sequence, out int token)
    {
        int index = sequence.Tokens.Length + sequence.Tick.Sampled;
        var logits = executor.Logits(sequence.Tick.Logits + sequence.Tick.Sampled);
        if (sequence.Constraint is { } constraint)
        {
            return TryNext(sequence, constraint, logits, index, out token);
        }

        token = Sample(sequence, logits, index, []);
        if (token < 0)
        {
            Forbidden(sequence, $"logit_bias forbids every token at position {index}; leave at least one that can be chosen");
        }

        return token >= 0;
    }

    private bool TryNext(Sequence sequence, SequenceConstraint constraint, ReadOnlySpan<float> logits, int index, out int token)
    {
        token = -1;
        try
        {
            token = constraint.TryForced(out int forced) ? forced : Sample(sequence, logits, index, constraint.Mask());
            if (token < 0)
            {
                Forbidden(sequence, $"logit_bias forbids every token that the constraint allows at position {index}; leave at least one that can be chosen");
                return false;
            }

            Accept(constraint, token);
            return true;
        }
        catch (Exception error)
        {
            sequence.Fault = RequestEnd.OfOne(error);
            return false;
        }
    }

    /// <summary>Takes the tokens that the constraint makes certain, as many as a tick can then read at once.</summary>
    private void Forward(Sequence sequence, SequenceConstraint constraint)
    {
        try
        {
            ref var tick = ref sequence.Tick;
            while (tick.Chosen - tick.Sampled < MostForced && sequence.Tokens.Length + tick.Chosen < sequence.Tokens.Limit
                && constraint.TryForced(out int token))
            {
                Accept(constraint, token);
                sequence.Tokens.Try(tick.Chosen++, token);
            }

            sequence.IsForwarded |= tick.Chosen > tick.Sampled;
        }
        catch (Exception error)
        {
            sequence.Fault = RequestEnd.OfOne(error);
        }
    }

    private void Accept(SequenceConstraint constraint, int token)
    {
        if (token >= executor.Model.VocabularySize)
        {
            throw new InvalidOperationException($"the constraint prescribes token {token}, which the model cannot say");
        }

        constraint.Accept(token);
    }

    private int Sample(Sequence sequence, ReadOnlySpan<float> logits, int index, ReadOnlySpan<ulong> allowed) =>
        _sampler.Sample(logits, sequence.Sampling, sequence.Tokens.First(index), sequence.Tokens.PromptLength, allowed, index);

    private static void Forbidden(Sequence sequence, string message) =>
        sequence.Fault = new EngineException(EngineError.InvalidArgument, message, "logit_bias");

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

        if (reason == FinishReason.None && sequence.Constraint is { MustEnd: true })
        {
            reason = FinishReason.Stop;
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
            text, tokens, logProbabilities, reason, sequence.Record.UsageOf(sequence.Tokens), sequence.Record.TimingsOf(sequence.Tokens))
        {
            StopText = sequence.Text.StopText,
        };

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
