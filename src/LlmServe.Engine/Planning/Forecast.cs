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

    /// <summary>Entries that all steps together may look at.</summary>
    private const int MaxVisits = 12_000;

    private const int ShortestLeap = 16;
    private const int ShortestTurns = 64;

    private readonly ForecastList _waiting;
    private readonly ForecastList _reading;
    private readonly ForecastList _decoding;
    private readonly TickBudget _budget;
    private readonly int _maxRows;
    private readonly int _slots;
    private readonly long _blocks;
    private readonly int _maxSteps;
    private readonly int _leastLeap;
    private readonly int _tokens;
    private long _admitted;
    private double _now;
    private double _leapStart;
    private int _step;
    private long _decodePositions;
    private int _fewestTokens;
    private bool _hasStarted;
    private double _wait = -1;
    private double _first = -1;
    private int _left;

    /// <param name="budget">Sizes ticks and predicts them.</param>
    /// <param name="maxRows">Most rows of a tick.</param>
    /// <param name="slots">Most running sequences.</param>
    /// <param name="blocks">KV blocks that exist.</param>
    /// <param name="work">What is to be done.</param>
    public Forecast(TickBudget budget, int maxRows, int slots, long blocks, Workload work)
    {
        var entries = work.Entries;
        _admitted = work.Admitted;
        _budget = budget;
        _maxRows = maxRows;
        _slots = slots;
        _blocks = blocks;
        _waiting = new ForecastList(entries.Length);
        _reading = new ForecastList(Math.Min(slots, entries.Length));
        _decoding = new ForecastList(Math.Min(slots, entries.Length));
        long tokens = 0;
        foreach (ref var entry in entries.AsSpan())
        {
            tokens += entry.Tokens;
            var list = entry.IsDecoding ? _decoding : entry.MayRead ? _reading : _waiting;
            list.Add(entry);
        }

        _tokens = entries[^1].Tokens;
        _left = _tokens;
        _maxSteps = Math.Clamp(MaxVisits / entries.Length, 16, MaxSteps);

        // Half of the steps are for what happens at borders: prompts that end, sequences that come and go.
        _leastLeap = (int)Math.Min(int.MaxValue / 2, 1 + (2 * tokens / Math.Min(slots, entries.Length) / _maxSteps));
    }

    /// <summary>Ticks that a turn may last beyond its end: the longer the forecast, the coarser the turns.</summary>
    private int CoarserTurns => Math.Max(_step / ShortestTurns, _leastLeap - 1);

    /// <summary>Follows the last entry to its end.</summary>
    public ForecastTimes Follow()
    {
        for (_step = 0; _step < _maxSteps && _left > 0; _step++)
        {
            Admit();
            if (_decoding.Count == 0 && _reading.Count == 0)
            {
                break;
            }

            Survey();
            Leap();
        }

        // A forecast that was cut off says at least how far it has looked ahead.
        double wait = _wait < 0 ? _now : _wait;
        double first = _first < 0 ? _now : _first;
        int written = _tokens - 1 - _left;
        double speed = written > 0 ? written / (_now - first) : 1 / _budget.TypicalSeconds(0, _decoding.Count + 1, _decodePositions, 0);
        return new ForecastTimes(wait, first, _now, speed);
    }

    /// <summary>The scheduler's rule: in order, as long as slots last and a block per running sequence stays back.</summary>
    private void Admit()
    {
        int running = _reading.Count + _decoding.Count;
        long held = HeldBy(_reading) + HeldBy(_decoding);
        while (running < _slots)
        {
            int next = FairOrder.NextToEnter<ForecastEntry>(_waiting.Span, FairOrder.IsTurnOfTheOldest(_admitted));
            int needed = next < 0 ? 0 : KvBlock.CountFor(_waiting[next].Rows + 1);
            if (next < 0 || (running > 0 && needed + FairOrder.BlocksToSpare(running) > _blocks - held))
            {
                break;
            }

            var entry = _waiting.Take(next);
            entry.Running = true;
            entry.Share.Running++;
            _reading.Add(entry);
            _admitted++;
            running++;
            held += needed;
        }
    }

    private static long HeldBy(ForecastList list)
    {
        long held = 0;
        foreach (ref var entry in list.Span)
        {
            held += KvBlock.CountFor(entry.Positions + entry.Rows);
        }

        return held;
    }

    private void Survey()
    {
        _decodePositions = 0;
        _fewestTokens = int.MaxValue;
        foreach (ref var entry in _decoding.Span)
        {
            _decodePositions += entry.Positions;
            _fewestTokens = Math.Min(_fewestTokens, entry.Tokens);
        }
    }

    /// <summary>A number of like ticks: until a decoding sequence ends, the prompt is read, or it is another prompt's turn.</summary>
    private void Leap()
    {
        _leapStart = _now;
        int decoding = _decoding.Count;
        int decodeRows = Math.Min(decoding, _maxRows);
        long decodePositions = _decodePositions;
        int ticks = Math.Max(_leastLeap, Math.Min(ShortestLeap + (_step / 4), _fewestTokens));
        int position = 0;
        int read = 0;
        int oldest = FairOrder.OldestPrompt<ForecastEntry>(_reading.Span, ofAll: false);
        if (oldest >= 0)
        {
            int shortest = FairOrder.ShortestPrompt<ForecastEntry>(_reading.Span, oldest);
            int prompt = _reading[oldest].RowsOwed > 0 ? oldest : shortest;
            int rows = _reading[prompt].Rows;
            position = _reading[prompt].Positions;
            int chunk = Chunk(prompt, decodeRows, othersWait: false);
            if (prompt != oldest && rows < chunk)
            {
                chunk = Math.Max(rows, Chunk(prompt, decodeRows, othersWait: true)); // its end does not wait for a large tick
            }

            int turns = Math.Min(Turns(prompt, chunk), shortest == oldest ? int.MaxValue : TurnsWithin(oldest, chunk));
            ticks = Math.Max(1, Math.Min(ticks, turns));
            ticks = Math.Max(Math.Min(ticks, _leastLeap), Math.Min(ticks, rows / chunk));
            read = Read(oldest, chunk * ticks, chunk * (1 + CoarserTurns));
            ticks = decoding == 0 ? Math.Max(1, (read + chunk - 1) / chunk) : ticks;
        }

        double seconds = ticks * _budget.TypicalSeconds((read + ticks - 1) / ticks, decodeRows, decodePositions, position + (read / 2));
        _now += seconds * Decode(ticks, decoding);
        _wait = _wait < 0 && _hasStarted ? _leapStart : _wait;
        _first = _first < 0 && _left < _tokens ? _now : _first;
    }

    /// <summary>Prompt rows of a tick in which a prompt comes first.</summary>
    private int Chunk(int prompt, int decodeRows, bool othersWait) => _budget.PromptRows(
        Math.Max(1, _maxRows - decodeRows), decodeRows, _decodePositions, _reading[prompt].Positions, othersWait: othersWait);

    /// <summary>Ticks until another client's prompt of the same priority comes first.</summary>
    private int Turns(int prompt, int chunk)
    {
        ref var own = ref _reading[prompt];
        long ahead = long.MaxValue;
        foreach (ref var other in _reading.Span)
        {
            if (other.Priority == own.Priority && other.Share != own.Share)
            {
                ahead = Math.Min(ahead, other.Share.Rows - own.Share.Rows);
            }
        }

        return ahead == long.MaxValue ? int.MaxValue : (int)Math.Min(ahead / chunk, int.MaxValue / 2) + 1 + CoarserTurns;
    }

    /// <summary>Ticks until the turn passes between a client's oldest prompt and those that overtake it.</summary>
    private int TurnsWithin(int oldest, int chunk)
    {
        int owed = _reading[oldest].RowsOwed;
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
            int prompt = FairOrder.NextPrompt<ForecastEntry>(_reading.Span, oldest);
            ref var entry = ref _reading[prompt];
            int taken = Math.Min(rows - read, entry.Rows);
            read += taken;
            FairOrder.Give(_reading.Span, oldest, prompt, taken, turn);
            entry.Started = true;
            entry.Rows -= taken;
            entry.Positions += taken;
            _hasStarted |= IsFollowed(entry);
            if (entry.Rows == 0)
            {
                var said = _reading.Take(prompt);
                if (Write(ref said, 1))
                {
                    _decoding.Add(said);
                }
            }

            oldest = FairOrder.OldestPrompt<ForecastEntry>(_reading.Span, ofAll: false);
        }

        return read;
    }

    /// <summary>Writes the tokens of a leap.</summary>
    /// <param name="ticks">Its ticks.</param>
    /// <param name="decoding">Entries that decoded when it began, the first of their list.</param>
    /// <returns>
    /// The share of the leap that it took. Where a sequence ends in the middle of a leap while others wait, the next one goes on in its place at once in
    /// truth, so what was not written was no time either.
    /// </returns>
    private double Decode(int ticks, int decoding)
    {
        // More sequences than rows take turns.
        int tokens = decoding <= _maxRows ? ticks : Math.Max(1, (int)((long)ticks * _maxRows / decoding));
        long written = 0;
        for (int i = decoding - 1; i >= 0; i--)
        {
            ref var entry = ref _decoding[i];
            int taken = Math.Min(tokens, entry.Tokens);
            written += taken;
            entry.Positions += taken;
            if (!Write(ref entry, taken))
            {
                _decoding.Take(i);
            }
        }

        return _waiting.Count > 0 && written > 0 ? (double)written / ((long)tokens * decoding) : 1;
    }

    /// <summary>Whether anything is left to write.</summary>
    private bool Write(ref ForecastEntry entry, int tokens)
    {
        entry.Tokens -= tokens;
        entry.Share.Running -= entry.Tokens == 0 ? 1 : 0;
        _left = IsFollowed(entry) ? entry.Tokens : _left;
        return entry.Tokens > 0;
    }

    private static bool IsFollowed(in ForecastEntry entry) => entry.Arrival == long.MaxValue;
}
