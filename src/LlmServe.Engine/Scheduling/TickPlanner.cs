using System.Runtime.InteropServices;
using LlmServe.Engine.Memory;
using LlmServe.Engine.Speculation;
using LlmServe.Execution;

namespace LlmServe.Engine.Scheduling;

/// <summary>
/// Fills the row table: first one row of every decoding sequence, then chunks of prompts in the order of <see cref="FairOrder"/>, within a row budget.
/// </summary>
internal sealed class TickPlanner
{
    private readonly IProgramExecutor _executor;
    private readonly SequenceMemory _memory;
    private readonly SequenceSet _sequences;
    private readonly Speculator _speculator;
    private readonly int _maxRows;
    private readonly TickBudget _budget;
    private readonly Sequence[] _scheduled;
    private int _scheduledCount;
    private int _turn;
    private long _promptTicks;

    public TickPlanner(
        IProgramExecutor executor, TickPredictor predictor, SequenceMemory memory, SequenceSet sequences, int maxSequences, int maxRows,
        EngineOptions options, DraftModel? draft)
    {
        _executor = executor;
        _memory = memory;
        _sequences = sequences;
        _maxRows = maxRows;
        _budget = new TickBudget(predictor, options.MaxTickMilliseconds / 1000, inSteps: true);
        _speculator = new Speculator(executor, _budget, memory, maxSequences, maxRows, options, draft);
        _scheduled = new Sequence[maxSequences];
    }

    /// <summary>The sequences with rows in the tick.</summary>
    public ReadOnlySpan<Sequence> Scheduled => _scheduled.AsSpan(0, _scheduledCount);

    /// <summary>Drafts tokens and learns how that went.</summary>
    public Speculator Speculator => _speculator;

    /// <summary>Decode rows of the tick.</summary>
    public int DecodeRows { get; private set; }

    /// <summary>Prompt rows of the tick.</summary>
    public int PromptRows { get; private set; }

    /// <summary>Fills the row table for the next tick.</summary>
    public void FillRows()
    {
        _executor.Rows.Clear();
        foreach (var sequence in Scheduled)
        {
            sequence.Tick.Rows = 0;
        }

        Array.Clear(_scheduled, 0, _scheduledCount);
        _scheduledCount = 0;
        DecodeRows = 0;
        PromptRows = 0;
        GrowDecoding();
        long positions = AddDecoding();
        AddPrompts(positions);
    }

    /// <summary>Blocks for the next position of every decoding sequence; may throw sequences out, so it comes before any row is written.</summary>
    private void GrowDecoding()
    {
        var running = _sequences.Running;
        int i = 0;
        while (i < running.Count)
        {
            var sequence = running[i];
            if (sequence.IsDecoding && !sequence.IsPaused)
            {
                _sequences.Grow(sequence);
            }

            i = i < running.Count && running[i] == sequence ? i + 1 : FirstAfter(sequence.Arrival);
        }
    }

    private int FirstAfter(long arrival)
    {
        int i = 0;
        while (i < _sequences.Running.Count && _sequences.Running[i].Arrival <= arrival)
        {
            i++;
        }

        return i;
    }

    /// <summary>
    /// One row per decoding sequence, and rows for its guesses. When there are more sequences than rows they take turns, and a few rows stay for
    /// prompts.
    /// </summary>
    /// <returns>Sum of the positions of the rows.</returns>
    private long AddDecoding()
    {
        var running = _sequences.Running;
        int most = HasPrompt() ? Math.Max(1, _maxRows - Math.Clamp(_maxRows / 4, 1, TickBudget.LeastPromptRows)) : _maxRows;
        _speculator.ProposeTokens(running, most);
        long positions = 0;
        int start = _turn < running.Count ? _turn : 0;
        _turn = 0;
        for (int i = 0; i < running.Count; i++)
        {
            int at = (start + i) % running.Count;
            var sequence = running[at];
            if (!sequence.IsDecoding || sequence.IsPaused)
            {
                continue;
            }

            if (DecodeRows >= most)
            {
                _turn = at;
                break;
            }

            int rows = Math.Min(sequence.Pending, most - DecodeRows);
            int drafts = rows == sequence.Pending ? sequence.Drafts?.Proposed ?? 0 : 0;
            positions += (long)(rows + drafts) * sequence.Computed;
            AddRows(sequence, rows, drafts);
            DecodeRows += rows + drafts;
        }

        return positions;
    }

    private bool HasPrompt()
    {
        foreach (var sequence in _sequences.Running)
        {
            if (sequence.MayRead)
            {
                return true;
            }
        }

        return false;
    }

    private void AddPrompts(long decodePositions)
    {
        var running = CollectionsMarshal.AsSpan(_sequences.Running);
        int left = _maxRows - DecodeRows;
        bool oldestTurn = FairOrder.IsTurnOfTheOldest(_promptTicks);
        bool othersWait = false;
        long positions = 0;
        while (left > 0)
        {
            bool ofAll = oldestTurn && PromptRows == 0;
            int oldest = FairOrder.OldestPrompt<Sequence>(running, ofAll);
            if (oldest < 0)
            {
                break;
            }

            int prompt = ofAll ? oldest : FairOrder.NextPrompt<Sequence>(running, oldest);
            var sequence = running[prompt];

            // Each prompt at its own position: the rows of a long one cost more than those of one that has just come.
            int most = _budget.PromptRows(left, DecodeRows, decodePositions, sequence.Computed, PromptRows, positions, othersWait);
            int rows = Math.Min(most, Math.Min(sequence.Pending, UntilCut(sequence)));
            if (rows == 0)
            {
                break;
            }

            positions += (long)rows * (sequence.Computed + (rows / 2));
            AddRows(sequence, rows, 0);
            FairOrder.Give(running, oldest, prompt, rows, turn: rows);
            PromptRows += rows;
            left -= rows;

            // A short prompt's first token does not wait for a large tick that is filled up with the long one.
            othersWait |= prompt != oldest;
        }

        _promptTicks += PromptRows > 0 ? 1 : 0;
    }

    /// <summary>Rows until something has to be done with a sequence that can be done between ticks only.</summary>
    private int UntilCut(Sequence sequence)
    {
        int cut = sequence.CutAt > sequence.Computed ? sequence.CutAt : int.MaxValue;
        if (_memory.HasStates)
        {
            int next = SnapshotPlaces.Next(
                sequence.Computed, sequence.Tokens.Length, _memory.Matched(sequence.Slot), sequence.Request.LikelyPrefixes);
            sequence.SnapshotAt = Math.Min(next, cut);
            cut = sequence.SnapshotAt;
        }

        return cut - sequence.Computed;
    }

    /// <summary>Adds the next rows of a sequence, then its drafts; the rows from its last known token on want logits.</summary>
    private void AddRows(Sequence sequence, int rows, int drafts)
    {
        if (!_memory.TryEnsure(sequence.Slot, sequence.Computed + rows + drafts))
        {
            throw new InvalidOperationException("memory for rows of a running sequence was promised but is not there");
        }

        sequence.Tick = new TickShare { Rows = rows + drafts, Drafts = drafts, Logits = -1 };
        int last = sequence.Tokens.Length - 1;
        for (int i = 0; i < rows + drafts; i++)
        {
            int position = sequence.Computed + i;
            int logits = _executor.Rows.Add(sequence.Slot, position, sequence.Tokens[position], position >= last);
            sequence.Tick.Logits = position == last ? logits : sequence.Tick.Logits;
        }

        _scheduled[_scheduledCount++] = sequence;
    }
}
