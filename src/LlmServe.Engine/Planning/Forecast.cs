using LlmServe.Compiler;
using LlmServe.Engine.Scheduling;

namespace LlmServe.Engine.Planning;

/// <summary>When the request of a forecast gets where, in seconds from now.</summary>
internal readonly record struct ForecastTimes(double Wait, double FirstToken, double End, double TokensPerSecond);

/// <summary>
/// Plays the scheduler ahead in leaps: decoding rows first, prompts in order within the budget of a tick, newcomers as slots and blocks come free. Ticks
/// that are alike are taken at once, so that the work is bounded by the number of sequences and not by their tokens. Left out on purpose: preemption,
/// guesses, the prefix cache, and clients that do not read.
/// </summary>
internal sealed class Forecast(IProgramExecutor executor, TickBudget budget, int maxRows, int slots, SequenceLoad[] sequences)
{
    private const int MaxSteps = 2000;
    private const int ShortestLeap = 16;

    private readonly int _blocks = executor.KvBlockCount;
    private double _now;
    private int _running;
    private long _blocksHeld;
    private int _decoding;
    private long _decodePositions;
    private int _fewestTokens;
    private int _firstPrompt;

    /// <summary>Follows one sequence to its end. The array is used up.</summary>
    /// <param name="index">Which one.</param>
    public ForecastTimes Follow(int index)
    {
        double wait = 0;
        double first = 0;
        int tokens = Math.Max(1, sequences[index].Tokens);
        for (int step = 0; step < MaxSteps && sequences[index].Tokens > 0; step++)
        {
            Admit();
            Survey();
            if (_decoding == 0 && _firstPrompt < 0)
            {
                break;
            }

            double before = _now;
            bool started = sequences[index].Started;
            bool reading = sequences[index].Rows > 0;
            Leap(ShortestLeap + step / 4);
            wait = !started && sequences[index].Started ? before : wait;
            first = reading && sequences[index].Rows == 0 ? _now : first;
        }

        // A forecast that was cut off says at least how long it has looked ahead.
        first = first == 0 ? _now : first;
        double speed = tokens > 1 && _now > first ? (tokens - 1 - sequences[index].Tokens) / (_now - first) : DecodeSpeed(sequences[index].Positions);
        return new ForecastTimes(sequences[index].Started ? wait : _now, first, _now, speed);
    }

    private double DecodeSpeed(int positions) =>
        1 / budget.Seconds(0, _decoding + 1, _decodePositions + positions, 0);

    /// <summary>The scheduler's rule: in order, as long as slots last and a block per running sequence stays back.</summary>
    private void Admit()
    {
        _running = 0;
        _blocksHeld = 0;
        foreach (ref var sequence in sequences.AsSpan())
        {
            if (sequence is { Running: true, Tokens: > 0 })
            {
                _running++;
                _blocksHeld += KvBlock.CountFor(sequence.Positions + sequence.Rows);
            }
        }

        foreach (ref var sequence in sequences.AsSpan())
        {
            if (sequence.Running || sequence.Tokens == 0)
            {
                continue;
            }

            int needed = KvBlock.CountFor(sequence.Rows + 1);
            if (_running == slots || (_running > 0 && needed + _running > _blocks - _blocksHeld))
            {
                return;
            }

            sequence.Running = true;
            _running++;
            _blocksHeld += needed;
        }
    }

    private void Survey()
    {
        _decoding = 0;
        _decodePositions = 0;
        _fewestTokens = int.MaxValue;
        _firstPrompt = -1;
        for (int i = 0; i < sequences.Length; i++)
        {
            ref var sequence = ref sequences[i];
            if (!sequence.Running || sequence.Tokens == 0)
            {
                continue;
            }

            if (sequence.Rows > 0)
            {
                _firstPrompt = _firstPrompt < 0 ? i : _firstPrompt;
            }
            else
            {
                _decoding++;
                _decodePositions += sequence.Positions;
                _fewestTokens = Math.Min(_fewestTokens, sequence.Tokens);
            }
        }
    }

    /// <summary>A number of like ticks: until a decoding sequence ends or the first prompt is read, and at most <paramref name="longest"/>.</summary>
    private void Leap(int longest)
    {
        int decodeRows = Math.Min(_decoding, maxRows);
        int chunk = 0;
        int ticks = Math.Min(longest, _fewestTokens);
        int position = 0;
        if (_firstPrompt >= 0)
        {
            ref var prompt = ref sequences[_firstPrompt];
            position = prompt.Positions;
            int left = Math.Max(1, maxRows - decodeRows);
            chunk = budget.PromptRows(left, decodeRows, _decodePositions, position);
            ticks = Math.Max(1, Math.Min(ticks, prompt.Rows / chunk));
        }

        int read = chunk > 0 ? Read((long)chunk * ticks) : 0;
        _now += ticks * budget.Seconds((read + ticks - 1) / ticks, decodeRows, _decodePositions, position + (read / 2));
        Decode(ticks);
    }

    /// <summary>Gives rows to the prompts in order. A prompt that is read says its first token.</summary>
    private int Read(long rows)
    {
        int read = 0;
        for (int i = _firstPrompt; i < sequences.Length && rows > 0; i++)
        {
            ref var sequence = ref sequences[i];
            if (!sequence.Running || sequence.Rows == 0)
            {
                continue;
            }

            int taken = (int)Math.Min(rows, sequence.Rows);
            rows -= taken;
            read += taken;
            sequence.Started = true;
            sequence.Rows -= taken;
            sequence.Positions += taken;
            if (sequence.Rows == 0)
            {
                sequence.Tokens--;
                sequence.JustRead = true;
            }
        }

        return read;
    }

    private void Decode(int ticks)
    {
        // More sequences than rows take turns.
        int tokens = _decoding <= maxRows ? ticks : Math.Max(1, (int)((long)ticks * maxRows / _decoding));
        foreach (ref var sequence in sequences.AsSpan())
        {
            if (sequence is { Running: true, Rows: 0, Tokens: > 0, JustRead: false })
            {
                int taken = Math.Min(tokens, sequence.Tokens);
                sequence.Tokens -= taken;
                sequence.Positions += taken;
            }

            sequence.JustRead = false;
        }
    }
}
