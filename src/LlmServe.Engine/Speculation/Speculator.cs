using LlmServe.Engine.Memory;
using LlmServe.Engine.Scheduling;
using LlmServe.Execution;

namespace LlmServe.Engine.Speculation;

/// <summary>
/// Decides before every tick how many tokens each decoding sequence guesses ahead, and learns after it how the guesses went. Guesses get only rows
/// that nobody else wants, and only when the tick is then expected to give more tokens per second: what each guess is worth is known from how often
/// its kind was right, what it costs from the predicted time of the tick.
/// </summary>
internal sealed class Speculator
{
    /// <summary>Most guesses of a sequence in a tick where the engine decides.</summary>
    private const int MostDrafts = 32;

    /// <summary>A gain below this is not worth a prediction's error.</summary>
    private const double LeastGain = 1.03;

    /// <summary>Guesses less likely than this are not considered.</summary>
    private const float LeastChance = 0.1f;

    private readonly IProgramExecutor _executor;
    private readonly SequenceMemory _memory;
    private readonly TickBudget _budget;
    private readonly int _most;
    private readonly bool _always;
    private readonly Drafter? _drafter;
    private readonly Sequence[] _decoding; // [sequences]
    private readonly Sequence[] _picks; // [rows]
    private int _count;
    private int _rows;
    private long _positions;
    private SpeculationStatistics _statistics;

    /// <param name="executor">Has the compiled costs, by which ticks are compared.</param>
    /// <param name="budget">Keeps the promised time.</param>
    /// <param name="memory">What sequences have of the machine's memory.</param>
    /// <param name="maxSequences">Most running sequences.</param>
    /// <param name="maxRows">Most rows of a tick.</param>
    /// <param name="options">Whether to guess.</param>
    /// <param name="draft">A model that guesses too; null: there is none.</param>
    public Speculator(
        IProgramExecutor executor, TickBudget budget, SequenceMemory memory, int maxSequences, int maxRows, EngineOptions options, DraftModel? draft)
    {
        _executor = executor;
        _memory = memory;
        _budget = budget;
        _most = options.Speculate ?? MostDrafts;
        _always = options.Speculate is not null;
        _decoding = new Sequence[maxSequences];
        _picks = new Sequence[maxRows];
        _drafter = draft is null || _most == 0 ? null : new Drafter(draft, executor, budget, maxSequences, options);
    }

    /// <summary>Guesses so far, and how they went.</summary>
    public SpeculationStatistics Statistics => _statistics with
    {
        ModelTicks = _drafter?.Ticks ?? 0,
        ModelFailed = _drafter?.Failed ?? false,
    };

    /// <summary>Writes guesses behind the known tokens of decoding sequences; <see cref="SequenceDrafts.Proposed"/> says how many.</summary>
    /// <param name="running">All running sequences.</param>
    /// <param name="most">Most decode rows of the tick.</param>
    public void ProposeTokens(List<Sequence> running, int most)
    {
        if (_most == 0)
        {
            return;
        }

        _drafter?.Sweep();
        if (!Gather(running) || _count == 0 || _rows >= most)
        {
            return;
        }

        int matches = 0;
        for (int i = 0; i < _count; i++)
        {
            matches += LookUp(_decoding[i]) ? 1 : 0;
        }

        int drafted = _drafter is null ? 0 : Draft(_drafter, most - _rows);
        if (matches > 0)
        {
            Choose(most - _rows - drafted, drafted);
        }

        if (matches > 0 || drafted > 0)
        {
            Write();
        }
    }

    /// <summary>Learns from what a tick gave a sequence, before the sequence takes it.</summary>
    public void Learn(Sequence sequence)
    {
        if (sequence.Tick.Chosen == 0 || sequence.Drafts is not { } guesses)
        {
            return;
        }

        int right = sequence.Tick.Sampled - 1;
        bool drafted = sequence.Tick.Drafts > 0 && guesses.Source == DraftSource.Model;
        guesses.Learn(sequence.Tokens, sequence.Tick.Chosen);
        sequence.Record.DraftTokens += sequence.Tick.Drafts;
        sequence.Record.AcceptedDraftTokens += right;
        _drafter?.Learn(sequence, drafted ? sequence.Tick.Drafts : 0, right);
        _statistics = drafted
            ? _statistics with { ModelDrafts = _statistics.ModelDrafts + sequence.Tick.Drafts, ModelAccepted = _statistics.ModelAccepted + right }
            : _statistics with { LookupDrafts = _statistics.LookupDrafts + sequence.Tick.Drafts, LookupAccepted = _statistics.LookupAccepted + right };
    }

    /// <summary>Collects the decoding sequences. False when a prompt is being read: its rows come before guesses.</summary>
    private bool Gather(List<Sequence> running)
    {
        bool hasPrompt = false;
        _count = 0;
        _rows = 0;
        _positions = 0;
        foreach (var sequence in running)
        {
            if (sequence.Drafts is { } guesses)
            {
                guesses.Proposed = 0;
            }

            if (sequence.IsPaused)
            {
                continue;
            }

            if (!sequence.IsDecoding)
            {
                hasPrompt = true;
                continue;
            }

            sequence.Drafts!.Most = MostOf(sequence);
            _decoding[_count++] = sequence;
            _rows += sequence.Pending;
            _positions += sequence.Tokens.Length;
        }

        return !hasPrompt;
    }

    /// <summary>Looks up what a sequence could guess. False: nothing.</summary>
    private bool LookUp(Sequence sequence)
    {
        var guesses = sequence.Drafts!;
        bool found = guesses.Look(sequence.Tokens);
        guesses.Room = found ? Math.Min(_most, guesses.Most) : 0;
        return guesses.Room > 0;
    }

    /// <summary>Most tokens that a sequence can use beyond the next one. A state is kept at block borders, so no draft may pass one.</summary>
    private int MostOf(Sequence sequence)
    {
        int room = sequence.Tokens.Limit - sequence.Tokens.Length - 1;
        return _memory.HasStates ? Math.Min(room, KvBlock.Positions - 1 - ((sequence.Tokens.Length - 1) % KvBlock.Positions)) : room;
    }

    /// <summary>Lets the draft model guess where it knows better than the text's past. Returns the rows that its guesses take.</summary>
    private int Draft(Drafter drafter, int spare)
    {
        for (int i = 0; i < _count; i++)
        {
            var guesses = _decoding[i].Drafts!;
            guesses.PrefersLookup = guesses.Room > 0 && guesses.Chance >= drafter.Chance(_decoding[i]);
        }

        drafter.ProposeTokens(_decoding.AsSpan(0, _count), spare, Context);
        int drafted = 0;
        for (int i = 0; i < _count; i++)
        {
            var guesses = _decoding[i].Drafts!;
            drafted += guesses.Proposed;
            guesses.Room = guesses.Proposed > 0 ? 0 : guesses.Room;
        }

        return drafted;
    }

    /// <summary>Gives rows to the likeliest guesses from the texts' past, as many as make the most of the tick.</summary>
    /// <param name="spare">Rows that nobody needs.</param>
    /// <param name="drafted">Rows that draft guesses take already.</param>
    private void Choose(int spare, int drafted)
    {
        int taken = _rows + drafted;
        double expected = _count + drafted;
        double seconds = Seconds(taken);
        double best = expected / seconds * LeastGain;
        int picked = 0;
        int kept = 0;
        while (picked < Math.Min(spare, _picks.Length) && Likeliest() is { } next)
        {
            expected += next.Drafts!.Chance;
            next.Drafts.Extend();
            _picks[picked++] = next;
            seconds = Seconds(taken + picked);
            if (_count > 1 && !_budget.Fits(taken + picked, Context, 0)) // alone, nobody else waits for the tick
            {
                break;
            }

            if (_always || expected / seconds > best)
            {
                best = expected / seconds;
                kept = picked;
            }
        }

        while (picked > kept)
        {
            _picks[--picked].Drafts!.Proposed--;
        }
    }

    private Sequence? Likeliest()
    {
        Sequence? likeliest = null;
        float chance = _always ? -1 : LeastChance;
        for (int i = 0; i < _count; i++)
        {
            var guesses = _decoding[i].Drafts!;
            if (guesses.Proposed < guesses.Room && guesses.Chance > chance)
            {
                likeliest = _decoding[i];
                chance = guesses.Chance;
            }
        }

        return likeliest;
    }

    /// <summary>Writes the chosen guesses, as far as there are blocks for them without taking others'.</summary>
    private void Write()
    {
        for (int i = 0; i < _count; i++)
        {
            var sequence = _decoding[i];
            var guesses = sequence.Drafts!;
            if (guesses.Proposed > 0 && !_memory.TryEnsure(sequence.Slot, sequence.Tokens.Length + guesses.Proposed))
            {
                guesses.Proposed = Math.Min(guesses.Proposed, (_memory.Held(sequence.Slot) * KvBlock.Positions) - sequence.Tokens.Length);
            }

            if (guesses.Source == DraftSource.Lookup)
            {
                guesses.WriteLookup(sequence.Tokens);
                guesses.Proposed = sequence.Constraint?.CountAllowed(sequence.Tokens, guesses.Proposed) ?? guesses.Proposed;
            }
        }
    }

    private int Context => (int)(_positions / _count);

    private double Seconds(int rows) => _executor.Costs.Seconds(rows, rows, Context);
}
