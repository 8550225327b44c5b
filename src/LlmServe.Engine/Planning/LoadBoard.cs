using LlmServe.Engine.Scheduling;
using LlmServe.Execution;

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
    private readonly int _perClient;
    private readonly SequenceLoad[] _posted; // [sequences that can be in the engine]
    private ClientLoad[] _clients = [];
    private int _count;
    private int _clientCount;

    /// <param name="executor">Has the KV blocks.</param>
    /// <param name="predictor">Predicts ticks.</param>
    /// <param name="options">Limits.</param>
    /// <param name="slots">Most running sequences.</param>
    public LoadBoard(IProgramExecutor executor, TickPredictor predictor, EngineOptions options, int slots)
    {
        _executor = executor;
        _budget = new TickBudget(predictor, options.MaxTickMilliseconds / 1000, inSteps: false);
        _maxRows = Math.Min(options.MaxRowsPerTick, executor.Rows.Capacity);
        _slots = slots;
        _perClient = options.MaxSequencesPerClient;
        _posted = new SequenceLoad[slots + options.MaxQueue];
    }

    /// <summary>How long answers are.</summary>
    public AnswerLengths Lengths { get; } = new();

    /// <summary>Replaces what is known. Allocates nothing, but when there are more clients than ever before.</summary>
    public void Post(SequenceSet sequences)
    {
        var clients = sequences.Clients;
        if (_clients.Length < clients.Length)
        {
            _clients = new ClientLoad[2 * clients.Length];
        }

        _clientCount = clients.Length;
        for (int i = 0; i < clients.Length; i++)
        {
            var client = clients[i];
            _clients[i] = new ClientLoad { Name = client.Name, Running = client.Running, MostRunning = client.MostRunning, Rows = client.Rows };
        }

        _count = 0;
        Append(sequences.Running);
        Append(sequences.Waiting);
    }

    /// <summary>What is known, those who have come since, and one request more.</summary>
    public Load CopyWith(List<Sequence> taken, List<Sequence> incoming, SequenceLoad request, string? client)
    {
        var loads = new SequenceLoad[_count + taken.Count + incoming.Count + 1];
        var clients = new List<ClientLoad>(_clients.AsSpan(0, _clientCount).ToArray());
        _posted.AsSpan(0, _count).CopyTo(loads);
        int at = _count;
        foreach (var sequence in taken)
        {
            loads[at++] = NewLoad(sequence) with { Client = IndexOf(clients, sequence.Client) };
        }

        foreach (var sequence in incoming)
        {
            loads[at++] = NewLoad(sequence) with { Client = IndexOf(clients, sequence.Client) };
        }

        loads[^1] = request with { Client = IndexOf(clients, client), Arrival = long.MaxValue };
        return new Load(loads, [.. clients]);
    }

    /// <summary>A sequence that the loop has taken may be running by now; it counts as it came.</summary>
    private SequenceLoad NewLoad(Sequence sequence) => new()
    {
        Rows = sequence.PromptLength,
        Tokens = Lengths.Expect(sequence.Limit - sequence.PromptLength, sequence.Request.IgnoreEndOfGeneration),
        Arrival = sequence.Arrival,
        Priority = sequence.Priority,
    };

    /// <summary>Forecasts the last sequence of <paramref name="load"/>, whose arrays are used up.</summary>
    public ForecastTimes Run(Load load) => new Forecast(_executor, _budget, _maxRows, _slots, load).Follow();

    private int IndexOf(List<ClientLoad> clients, string? name)
    {
        int index = clients.FindIndex(client => client.Name == name);
        if (index < 0)
        {
            index = clients.Count;
            long rows = index == 0 ? 0 : clients.Min(client => client.Rows);
            clients.Add(new ClientLoad { Name = name, MostRunning = name is null || _perClient == 0 ? int.MaxValue : _perClient, Rows = rows });
        }

        return index;
    }

    private void Append(List<Sequence> sequences)
    {
        foreach (var sequence in sequences)
        {
            // Whoever does not read asks for nothing and makes room for others.
            if (!sequence.IsPaused && !sequence.CancelRequested && !sequence.HasEnded && _count < _posted.Length)
            {
                _posted[_count++] = LoadOf(sequence) with { Client = sequence.Share.Index };
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
            Overtaken = sequence.Overtaken,
            Arrival = sequence.Arrival,
            Priority = sequence.Priority,
        };
    }
}
