using LlmServe.Engine.Kv;
using LlmServe.Engine.Speculation;
using LlmServe.Execution;

namespace LlmServe.Engine.Scheduling;

/// <summary>
/// Fills the row table: first one row of every decoding sequence, then chunks of prompts in the order of <see cref="FairOrder"/>, within a row budget.
/// </summary>
internal sealed class TickPlanner
{
    private readonly IProgramExecutor _executor;
    private readonly KvCacheManager _kv;
    private readonly SequenceSet _sequences;
    private readonly Speculator _speculator;
    private readonly int _maxRows;
    private readonly TickBudget _budget;
    private readonly Sequence[] _scheduled;
    private int _scheduledCount;
    private int _turn;
    private long _promptTicks;

    public TickPlanner(
        IProgramExecutor executor, TickPredictor predictor, KvCacheManager kv, SequenceSet sequences, int maxSequences, int maxRows,
        EngineOptions options, DraftModel? draft)
    {
        _executor = executor;
        _kv = kv;
        _sequences = sequences;
        _maxRows = maxRows;
        _budget = new TickBudget(predictor, options.MaxTickMilliseconds / 1000, inSteps: true);
        _speculator = new Speculator(executor, _budget, kv, maxSequences, maxRows, options, draft);
        _scheduled = new Sequence[maxSequences];
    }

    /// <summary>The sequences with rows in the tick.</summary>
    public ReadOnlySpan<Sequence> Scheduled => _scheduled.AsSpan(0, _scheduledCount);

    /// <summary>Plans guesses and learns how they went.</summary>
    public Speculator Speculator => _speculator;

    /// <summary>Decode rows of the tick.</summary>
    public int DecodeRows { get; private set; }

    /// <summary>Prompt rows of the tick.</summary>
    public int PromptRows { get; private set; }

    /// <summary>Plans the next tick.</summary>
    public void Plan()
    {
        _executor.Rows.Clear();
        foreach (var sequence in Scheduled)
        {
            sequence.TickRows = 0;
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
        _speculator.Plan(running, most);
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

            if (DecodeRows == most)
            {
                _turn = at;
                break;
            }

            int guesses = sequence.Guesses?.Planned ?? 0;
            positions += (long)(guesses + 1) * sequence.Computed;
            AddRows(sequence, 1, guesses);
            DecodeRows += 1 + guesses;
        }

        return positions;
    }

    private bool HasPrompt()
    {
        foreach (var sequence in _sequences.Running)
        {
            if (MayRead(sequence))
            {
                return true;
            }
        }

        return false;
    }

    private void AddPrompts(long decodePositions)
    {
        int left = _maxRows - DecodeRows;
        bool oldestTurn = _promptTicks % FairOrder.OldestTurn == FairOrder.OldestTurn - 1;
        bool hurry = false;
        long positions = 0;
        while (left > 0 && OldestPrompt(oldestTurn && PromptRows == 0) is { } oldest)
        {
            var sequence = oldestTurn && PromptRows == 0 ? oldest : ShortestPrompt(oldest);

            // Each prompt at its own position: the rows of a long one cost more than those of one that has just come.
            int most = _budget.PromptRows(left, DecodeRows, decodePositions, sequence.Computed, PromptRows, positions, hurry);
            int rows = Math.Min(most, sequence.Pending);
            if (rows == 0)
            {
                break;
            }

            positions += (long)rows * (sequence.Computed + (rows / 2));
            AddRows(sequence, rows, 0);
            sequence.Share.Rows += rows;
            oldest.Overtaken = FairOrder.Overtaken(oldest.Overtaken, rows, sequence == oldest);
            PromptRows += rows;
            left -= rows;

            // A short prompt's first token does not wait for a large tick that is filled up with the long one.
            hurry |= sequence != oldest;
        }

        _promptTicks += PromptRows > 0 ? 1 : 0;
    }

    /// <summary>The oldest prompt of the client whose turn it is, or of all clients, among those that have no rows in this tick.</summary>
    private Sequence? OldestPrompt(bool ofAll)
    {
        Sequence? next = null;
        foreach (var sequence in _sequences.Running)
        {
            if (MayRead(sequence) && (next is null || (!ofAll && FairOrder.ReadsBefore(sequence, next))))
            {
                next = sequence;
            }
        }

        return next;
    }

    /// <summary>The prompt that is read in place of a client's oldest: the shortest, unless others were ahead of the oldest long enough.</summary>
    private Sequence ShortestPrompt(Sequence oldest)
    {
        var next = oldest;
        if (oldest.Overtaken <= 0)
        {
            foreach (var sequence in _sequences.Running)
            {
                next = MayRead(sequence) && FairOrder.Overtakes(sequence, next) ? sequence : next;
            }
        }

        return next;
    }

    private static bool MayRead(Sequence sequence) => !sequence.IsDecoding && !sequence.IsPaused && sequence.TickRows == 0;

    /// <summary>Adds the next rows of a sequence, then its guesses; the rows from its last known token on want logits.</summary>
    private void AddRows(Sequence sequence, int rows, int guesses)
    {
        sequence.TickRows = rows + guesses;
        sequence.TickGuesses = guesses;
        sequence.TickLogits = -1;
        for (int i = 0; i < rows + guesses; i++)
        {
            int position = sequence.Computed + i;
            bool wantsLogits = position >= sequence.Length - 1;
            int logits = _executor.Rows.Add(sequence.Slot, position, sequence.Tokens[position], wantsLogits);
            sequence.TickLogits = position == sequence.Length - 1 ? logits : sequence.TickLogits;
        }

        _scheduled[_scheduledCount++] = sequence;
    }
}
