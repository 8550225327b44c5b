using LlmServe.Engine.Scheduling;
using LlmServe.Execution;

namespace LlmServe.Engine.Planning;

/// <summary>
/// Plays the scheduler ahead in leaps: decoding rows first, prompts in <see cref="FairOrder"/> within the budget of a tick, newcomers as slots and blocks
/// come free. Ticks that are alike are taken at once. Its work is bounded: the more sequences there are, and the more they have to write, the longer its
/// leaps, so that a forecast before hundreds takes no longer than one before ten, and is coarser instead. Left out on purpose: preemption, drafts, the
/// prefix cache, turns of the oldest prompt, and clients that do not read.
/// </summary>
internal sealed class Forecast
{
    private const int MaxSteps = 2000;

    /// <summary>Entries that all steps together may look at, a handful of times each.</summary>
    private const int MaxVisits = 12_000;

    private const int ShortestLeap = 16;
    private const int ShortestTurns = 64;

    private readonly ForecastEntry[] _entries;
    private readonly TickBudget _budget;
    private readonly int _maxRows;
    private readonly int _slots;
    private readonly long _blocks;
    private readonly int _maxSteps;
    private readonly int _leastLeap;
    private long _admitted;
    private double _now;
    private int _step;
    private int _decoding;
    private long _decodePositions;
    private int _fewestTokens;
    private bool _someoneWaits;

    /// <param name="budget">Sizes ticks and predicts them.</param>
    /// <param name="maxRows">Most rows of a tick.</param>
    /// <param name="slots">Most running sequences.</param>
    /// <param name="blocks">KV blocks that exist.</param>
    /// <param name="work">What is to be done; used up.</param>
    public Forecast(TickBudget budget, int maxRows, int slots, long blocks, Workload work)
    {
        _entries = work.Entries;
        _admitted = work.Admitted;
        _budget = budget;
        _maxRows = maxRows;
        _slots = slots;
        _blocks = blocks;
        _maxSteps = Math.Clamp(MaxVisits / _entries.Length, 16, MaxSteps);

        // Half of the steps are for what happens at borders: prompts that end, sequences that come and go.
        long tokens = 0;
        foreach (ref var entry in _entries.AsSpan())
        {
            tokens += entry.Tokens;
        }

        _leastLeap = (int)Math.Min(int.MaxValue / 2, 1 + (2 * tokens / Math.Min(slots, _entries.Length) / _maxSteps));
    }

    /// <summary>Ticks that a turn may last beyond its end: the longer the forecast, the coarser the turns.</summary>
    private int CoarserTurns => Math.Max(_step / ShortestTurns, _leastLeap - 1);

    /// <summary>Follows the last entry to its end.</summary>
    public ForecastTimes Follow()
    {
        ref var request = ref _entries[^1];
        double wait = -1;
        double first = -1;
        int tokens = request.Tokens;
        for (_step = 0; _step < _maxSteps && request.Tokens > 0; _step++)
        {
            Admit();
            Survey();
            int oldest = FairOrder.OldestPrompt<ForecastEntry>(_entries, ofAll: false);
            if (_decoding == 0 && oldest < 0)
            {
                break;
            }

            double before = _now;
            Leap(oldest);
            wait = wait < 0 && request.Started ? before : wait;
            first = first < 0 && request.Rows == 0 ? _now : first;
        }

        // A forecast that was cut off says at least how far it has looked ahead.
        wait = wait < 0 ? _now : wait;
        first = first < 0 ? _now : first;
        int written = tokens - 1 - request.Tokens;
        double speed = written > 0 ? written / (_now - first) : 1 / _budget.Seconds(0, _decoding + 1, _decodePositions + request.Positions, 0);
        return new ForecastTimes(wait, first, _now, speed);
    }

    /// <summary>The scheduler's rule: in order, as long as slots last and a block per running sequence stays back.</summary>
    private void Admit()
    {
        int running = 0;
        long held = 0;
        foreach (ref var entry in _entries.AsSpan())
        {
            if (entry is { Running: true, Tokens: > 0 })
            {
                running++;
                held += KvBlock.CountFor(entry.Positions + entry.Rows);
            }
        }

        while (running < _slots)
        {
            int next = FairOrder.NextToEnter<ForecastEntry>(_entries, FairOrder.IsTurnOfTheOldest(_admitted));
            int needed = next < 0 ? 0 : KvBlock.CountFor(_entries[next].Rows + 1);
            if (next < 0 || (running > 0 && needed + FairOrder.BlocksToSpare(running) > _blocks - held))
            {
                break;
            }

            _entries[next].Running = true;
            _entries[next].Share.Running++;
            _admitted++;
            running++;
            held += needed;
        }
    }

    private void Survey()
    {
        _decoding = 0;
        _decodePositions = 0;
        _fewestTokens = int.MaxValue;
        _someoneWaits = false;
        foreach (ref var entry in _entries.AsSpan())
        {
            if (entry.IsDecoding)
            {
                _decoding++;
                _decodePositions += entry.Positions;
                _fewestTokens = Math.Min(_fewestTokens, entry.Tokens);
            }

            _someoneWaits |= !entry.Running;
        }
    }

    /// <summary>A number of like ticks: until a decoding sequence ends, the prompt is read, or it is another prompt's turn.</summary>
    private void Leap(int oldest)
    {
        int decodeRows = Math.Min(_decoding, _maxRows);
        int ticks = Math.Max(_leastLeap, Math.Min(ShortestLeap + (_step / 4), _fewestTokens));
        int position = 0;
        int read = 0;
        if (oldest >= 0)
        {
            int shortest = FairOrder.ShortestPrompt<ForecastEntry>(_entries, oldest);
            int prompt = _entries[oldest].RowsOwed > 0 ? oldest : shortest;
            position = _entries[prompt].Positions;
            int chunk = Chunk(prompt, decodeRows, othersWait: false);
            if (prompt != oldest && _entries[prompt].Rows < chunk)
            {
                chunk = Math.Max(_entries[prompt].Rows, Chunk(prompt, decodeRows, othersWait: true)); // its end does not wait for a large tick
            }

            int turns = Math.Min(Turns(prompt, chunk), shortest == oldest ? int.MaxValue : TurnsWithin(oldest, chunk));
            ticks = Math.Max(1, Math.Min(ticks, turns));
            ticks = Math.Max(Math.Min(ticks, _leastLeap), Math.Min(ticks, _entries[prompt].Rows / chunk));
            read = Read(oldest, chunk * ticks, chunk * (1 + CoarserTurns));
            if (_decoding == 0)
            {
                ticks = Math.Max(1, Math.Min(ticks, (read + chunk - 1) / chunk));
            }
        }

        double seconds = _budget.Seconds((read + ticks - 1) / ticks, decodeRows, _decodePositions, position + (read / 2));
        _now += seconds * ticks * Decode(ticks);
    }

    /// <summary>Prompt rows of a tick in which a prompt comes first.</summary>
    private int Chunk(int prompt, int decodeRows, bool othersWait) => _budget.PromptRows(
        Math.Max(1, _maxRows - decodeRows), decodeRows, _decodePositions, _entries[prompt].Positions, othersWait: othersWait);

    /// <summary>Ticks until another client's prompt of the same priority comes first.</summary>
    private int Turns(int prompt, int chunk)
    {
        ref var own = ref _entries[prompt];
        long ahead = long.MaxValue;
        foreach (ref var other in _entries.AsSpan())
        {
            if (other.MayRead && other.Priority == own.Priority && other.Share != own.Share)
            {
                ahead = Math.Min(ahead, other.Share.Rows - own.Share.Rows);
            }
        }

        return ahead == long.MaxValue ? int.MaxValue : (int)Math.Min(ahead / chunk, int.MaxValue / 2) + 1 + CoarserTurns;
    }

    /// <summary>Ticks until the turn passes between a client's oldest prompt and those that overtake it.</summary>
    private int TurnsWithin(int oldest, int chunk)
    {
        int owed = _entries[oldest].RowsOwed;
        return (owed > 0 ? (owed + chunk - 1) / chunk : 1 - (owed / chunk)) + CoarserTurns;
    }

    /// <summary>Gives rows to the prompts in order. A prompt that is read says its first token.</summary>
    /// <param name="oldest">The oldest prompt of the client that comes first.</param>
    /// <param name="rows">Rows to give.</param>
    /// <param name="turn">How many of them a turn has, where turns pass between prompts.</param>
    private int Read(int oldest, int rows, int turn)
    {
        int read = 0;
        while (oldest >= 0 && read < rows)
        {
            int prompt = FairOrder.NextPrompt<ForecastEntry>(_entries, oldest);
            ref var entry = ref _entries[prompt];
            int taken = Math.Min(rows - read, entry.Rows);
            read += taken;
            FairOrder.Give<ForecastEntry>(_entries, oldest, prompt, taken, turn);
            entry.Started = true;
            entry.Rows -= taken;
            entry.Positions += taken;
            if (entry.Rows == 0)
            {
                entry.JustRead = true;
                Write(ref entry, 1);
            }

            oldest = FairOrder.OldestPrompt<ForecastEntry>(_entries, ofAll: false);
        }

        return read;
    }

    /// <summary>Writes the tokens of a leap.</summary>
    /// <returns>
    /// The share of the leap that it took. Where a sequence ends in the middle of a leap while others wait, the next one goes on in its place at once in
    /// truth, so what was not written was no time either.
    /// </returns>
    private double Decode(int ticks)
    {
        // More sequences than rows take turns.
        int tokens = _decoding <= _maxRows ? ticks : Math.Max(1, (int)((long)ticks * _maxRows / _decoding));
        long written = 0;
        foreach (ref var entry in _entries.AsSpan())
        {
            if (entry is { IsDecoding: true, JustRead: false })
            {
                int taken = Math.Min(tokens, entry.Tokens);
                written += taken;
                entry.Positions += taken;
                Write(ref entry, taken);
            }

            entry.JustRead = false;
        }

        return _someoneWaits && written > 0 ? (double)written / ((long)tokens * _decoding) : 1;
    }

    private static void Write(ref ForecastEntry entry, int tokens)
    {
        entry.Tokens -= tokens;
        if (entry.Tokens == 0)
        {
            entry.Share.Running--;
        }
    }
}
