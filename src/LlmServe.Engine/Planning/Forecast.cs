using LlmServe.Engine.Scheduling;
using LlmServe.Execution;

namespace LlmServe.Engine.Planning;

/// <summary>
/// Plays the scheduler ahead in leaps: decoding rows first, prompts in fair order within the budget of a tick, newcomers as slots and blocks come free.
/// Ticks that are alike are taken at once, so that the work is bounded by the number of sequences and not by their tokens. Left out on purpose:
/// preemption, guesses, the prefix cache, turns of the oldest, and clients that do not read.
/// </summary>
internal sealed class Forecast(IProgramExecutor executor, TickBudget budget, int maxRows, int slots, Load load)
{
    private const int MaxSteps = 2000;
    private const int ShortestLeap = 16;
    private const int ShortestTurns = 64;

    private readonly SequenceLoad[] _sequences = load.Sequences;
    private readonly ClientLoad[] _clients = load.Clients;
    private double _now;
    private int _step;
    private int _decoding;
    private long _decodePositions;
    private int _fewestTokens;

    /// <summary>Ticks that a turn may last beyond its end: the longer the forecast, the coarser the turns.</summary>
    private int CoarserTurns => _step / ShortestTurns;

    /// <summary>Follows the last sequence to its end.</summary>
    public ForecastTimes Follow()
    {
        ref var request = ref _sequences[^1];
        double wait = -1;
        double first = -1;
        int tokens = request.Tokens;
        for (_step = 0; _step < MaxSteps && request.Tokens > 0; _step++)
        {
            Admit();
            Survey();
            int oldest = OldestPrompt();
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
        double speed = written > 0 ? written / (_now - first) : 1 / budget.Seconds(0, _decoding + 1, _decodePositions + request.Positions, 0);
        return new ForecastTimes(wait, first, _now, speed);
    }

    /// <summary>The scheduler's rule: in order, as long as slots last and a block per running sequence stays back.</summary>
    private void Admit()
    {
        int running = 0;
        long held = 0;
        foreach (ref var sequence in _sequences.AsSpan())
        {
            if (sequence is { Running: true, Tokens: > 0 })
            {
                running++;
                held += KvBlock.CountFor(sequence.Positions + sequence.Rows);
            }
        }

        while (running < slots)
        {
            int next = NextToEnter();
            int needed = next < 0 ? 0 : KvBlock.CountFor(_sequences[next].Rows + 1);
            if (next < 0 || (running > 0 && needed + running > executor.Memory.KvGroups[0].Blocks - held))
            {
                return;
            }

            _sequences[next].Running = true;
            _clients[_sequences[next].Client].Running++;
            running++;
            held += needed;
        }
    }

    private int NextToEnter()
    {
        int next = -1;
        for (int i = 0; i < _sequences.Length; i++)
        {
            ref var sequence = ref _sequences[i];
            ref var client = ref _clients[sequence.Client];
            if (sequence is { Running: false, Tokens: > 0 } && client.Running < client.MostRunning && (next < 0 || Before(i, next, entering: true)))
            {
                next = i;
            }
        }

        return next;
    }

    /// <summary>The oldest prompt of the client whose turn it is; −1: there is none.</summary>
    private int OldestPrompt()
    {
        int next = -1;
        for (int i = 0; i < _sequences.Length; i++)
        {
            if (_sequences[i] is { Running: true, Rows: > 0 } && (next < 0 || Before(i, next, entering: false)))
            {
                next = i;
            }
        }

        return next;
    }

    /// <summary>The shortest prompt of the same client and priority; of equals the oldest.</summary>
    private int ShortestPrompt(int oldest)
    {
        int next = oldest;
        for (int i = 0; i < _sequences.Length; i++)
        {
            ref var sequence = ref _sequences[i];
            ref var best = ref _sequences[next];
            if (sequence is { Running: true, Rows: > 0 } && sequence.Client == best.Client && sequence.Priority == best.Priority
                && (sequence.Rows < best.Rows || (sequence.Rows == best.Rows && sequence.Arrival < best.Arrival)))
            {
                next = i;
            }
        }

        return next;
    }

    /// <summary><see cref="FairOrder"/>.</summary>
    private bool Before(int a, int b, bool entering)
    {
        ref var x = ref _sequences[a];
        ref var y = ref _sequences[b];
        ref var xs = ref _clients[x.Client];
        ref var ys = ref _clients[y.Client];
        return x.Priority != y.Priority ? x.Priority > y.Priority
            : entering && xs.Running != ys.Running ? xs.Running < ys.Running
            : xs.Rows != ys.Rows ? xs.Rows < ys.Rows
            : x.Arrival < y.Arrival;
    }

    private void Survey()
    {
        _decoding = 0;
        _decodePositions = 0;
        _fewestTokens = int.MaxValue;
        foreach (ref var sequence in _sequences.AsSpan())
        {
            if (sequence is { Running: true, Rows: 0, Tokens: > 0 })
            {
                _decoding++;
                _decodePositions += sequence.Positions;
                _fewestTokens = Math.Min(_fewestTokens, sequence.Tokens);
            }
        }
    }

    /// <summary>A number of like ticks: until a decoding sequence ends, the prompt is read, or it is another prompt's turn.</summary>
    private void Leap(int oldest)
    {
        int decodeRows = Math.Min(_decoding, maxRows);
        int ticks = Math.Min(ShortestLeap + _step / 4, _fewestTokens);
        int position = 0;
        int read = 0;
        if (oldest >= 0)
        {
            int shortest = ShortestPrompt(oldest);
            int prompt = _sequences[oldest].Overtaken > 0 ? oldest : shortest;
            position = _sequences[prompt].Positions;
            int chunk = Chunk(prompt, decodeRows, hurry: false);
            if (prompt != oldest && _sequences[prompt].Rows < chunk)
            {
                chunk = Math.Max(_sequences[prompt].Rows, Chunk(prompt, decodeRows, hurry: true)); // its end does not wait for a large tick
            }

            int turns = Math.Min(Turns(prompt, chunk), shortest == oldest ? int.MaxValue : TurnsWithin(oldest, chunk));
            ticks = Math.Max(1, Math.Min(Math.Min(ticks, _sequences[prompt].Rows / chunk), turns));
            read = Read(oldest, chunk * ticks, chunk * (1 + CoarserTurns));
        }

        _now += ticks * budget.Seconds((read + ticks - 1) / ticks, decodeRows, _decodePositions, position + (read / 2));
        Decode(ticks);
    }

    /// <summary>Prompt rows of a tick in which a prompt comes first.</summary>
    private int Chunk(int prompt, int decodeRows, bool hurry) => budget.PromptRows(
        Math.Max(1, maxRows - decodeRows), decodeRows, _decodePositions, _sequences[prompt].Positions, hurry: hurry);

    /// <summary>Ticks until another client's prompt of the same priority comes first.</summary>
    private int Turns(int prompt, int chunk)
    {
        ref var own = ref _sequences[prompt];
        long ahead = long.MaxValue;
        foreach (ref var other in _sequences.AsSpan())
        {
            if (other is { Running: true, Rows: > 0 } && other.Priority == own.Priority && other.Client != own.Client)
            {
                ahead = Math.Min(ahead, _clients[other.Client].Rows - _clients[own.Client].Rows);
            }
        }

        return ahead == long.MaxValue ? int.MaxValue : (int)Math.Min(ahead / chunk, int.MaxValue / 2) + 1 + CoarserTurns;
    }

    /// <summary>Ticks until the turn passes between a client's oldest prompt and those that overtake it.</summary>
    private int TurnsWithin(int oldest, int chunk)
    {
        int overtaken = _sequences[oldest].Overtaken;
        return (overtaken > 0 ? (overtaken + chunk - 1) / chunk : 1 - (overtaken / chunk)) + CoarserTurns;
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
            int prompt = _sequences[oldest].Overtaken > 0 ? oldest : ShortestPrompt(oldest);
            ref var sequence = ref _sequences[prompt];
            int taken = Math.Min(rows - read, sequence.Rows);
            read += taken;
            sequence.Started = true;
            sequence.Rows -= taken;
            sequence.Positions += taken;
            _sequences[oldest].Overtaken = Math.Max(FairOrder.Overtaken(_sequences[oldest].Overtaken, taken, prompt == oldest), -turn);
            _clients[sequence.Client].Rows += taken;
            if (sequence.Rows == 0)
            {
                sequence.JustRead = true;
                Write(ref sequence, 1);
            }

            oldest = OldestPrompt();
        }

        return read;
    }

    private void Decode(int ticks)
    {
        // More sequences than rows take turns.
        int tokens = _decoding <= maxRows ? ticks : Math.Max(1, (int)((long)ticks * maxRows / _decoding));
        foreach (ref var sequence in _sequences.AsSpan())
        {
            if (sequence is { Running: true, Rows: 0, Tokens: > 0, JustRead: false })
            {
                int taken = Math.Min(tokens, sequence.Tokens);
                sequence.Positions += taken;
                Write(ref sequence, taken);
            }

            sequence.JustRead = false;
        }
    }

    private void Write(ref SequenceLoad sequence, int tokens)
    {
        sequence.Tokens -= tokens;
        if (sequence.Tokens == 0)
        {
            _clients[sequence.Client].Running--;
        }
    }
}
