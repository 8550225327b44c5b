using LlmServe.Compiler;
using LlmServe.Engine.Scheduling;

namespace LlmServe.Engine.Planning;

/// <summary>
/// What the engine has to do, as of its last tick, and forecasts from it. The engine's thread posts, any thread asks; the caller holds the engine's lock
/// for everything but <see cref="Run"/>.
/// </summary>
internal sealed class LoadBoard
{
    private readonly IProgramExecutor _executor;
    private readonly TickBudget _budget;
    private readonly int _maxRows;
    private readonly int _slots;
    private readonly SequenceLoad[] _posted; // [sequences that can be in the engine]
    private int _count;

    /// <param name="executor">Predicts ticks.</param>
    /// <param name="options">Limits.</param>
    /// <param name="slots">Most running sequences.</param>
    public LoadBoard(IProgramExecutor executor, EngineOptions options, int slots)
    {
        _executor = executor;
        _budget = new TickBudget(executor, options.MaxTickMilliseconds / 1000);
        _maxRows = Math.Min(options.MaxRowsPerTick, executor.Rows.Capacity);
        _slots = slots;
        _posted = new SequenceLoad[slots + options.MaxQueue];
    }

    /// <summary>How long answers are.</summary>
    public AnswerLengths Lengths { get; } = new();

    /// <summary>Replaces what is known.</summary>
    public void Post(List<Sequence> running, List<Sequence> waiting)
    {
        _count = 0;
        Append(running);
        Append(waiting);
    }

    /// <summary>What is known, those who have just come, and one request more, which is the last entry.</summary>
    public SequenceLoad[] CopyWith(List<Sequence> incoming, SequenceLoad request)
    {
        var loads = new SequenceLoad[_count + incoming.Count + 1];
        _posted.AsSpan(0, _count).CopyTo(loads);
        for (int i = 0; i < incoming.Count; i++)
        {
            loads[_count + i] = LoadOf(incoming[i]);
        }

        loads[^1] = request;
        return loads;
    }

    /// <summary>Forecasts the last of <paramref name="loads"/>, which is used up.</summary>
    public ForecastTimes Run(SequenceLoad[] loads) => new Forecast(_executor, _budget, _maxRows, _slots, loads).Follow(loads.Length - 1);

    private void Append(List<Sequence> sequences)
    {
        foreach (var sequence in sequences)
        {
            // Whoever does not read asks for nothing and makes room for others.
            if (!sequence.IsPaused && !sequence.CancelRequested && _count < _posted.Length)
            {
                _posted[_count++] = LoadOf(sequence);
            }
        }
    }

    /// <summary>What a sequence still asks for.</summary>
    public SequenceLoad LoadOf(Sequence sequence)
    {
        bool decoding = sequence is { IsDecoding: true, Slot: >= 0 };
        return new SequenceLoad
        {
            Running = sequence.Slot >= 0,
            Started = sequence.Started != 0,
            Rows = decoding ? 0 : sequence.Pending,
            Tokens = Lengths.Expect(sequence.Limit - sequence.Length, sequence.Request.IgnoreEndOfGeneration),
            Positions = decoding ? sequence.Length : sequence.Computed,
        };
    }
}
