using LlmServe.Engine.Scheduling;
using LlmServe.Execution;

namespace LlmServe.Engine.Planning;

/// <summary>
/// What the engine has to do, as of its last tick, and forecasts from it. The engine's thread posts, any thread asks; the caller holds the engine's lock
/// for everything but <see cref="Run"/>.
/// </summary>
internal sealed class WorkBoard
{
    private readonly TickBudget _budget;
    private readonly int _maxRows;
    private readonly int _slots;
    private readonly long _blocks;
    private readonly int _perClient;
    private readonly ForecastEntry[] _posted; // [sequences that can be in the engine]
    private PostedClient[] _clients = [];
    private int _count;
    private int _clientCount;
    private long _admitted;

    /// <param name="executor">Has the KV blocks.</param>
    /// <param name="predictor">Predicts ticks.</param>
    /// <param name="options">Limits.</param>
    /// <param name="slots">Most running sequences.</param>
    public WorkBoard(IProgramExecutor executor, TickPredictor predictor, EngineOptions options, int slots)
    {
        _budget = new TickBudget(predictor, options.MaxTickMilliseconds / 1000, inSteps: false);
        _maxRows = Math.Min(options.MaxRowsPerTick, executor.Rows.Capacity);
        _slots = slots;
        _blocks = executor.Memory.KvGroups.Where(group => group.Visibility.IsAll).Select(group => (long)group.Blocks).DefaultIfEmpty(long.MaxValue).Min();
        _perClient = options.MaxSequencesPerClient > 0 ? options.MaxSequencesPerClient : int.MaxValue;
        _posted = new ForecastEntry[slots + options.MaxQueue];
    }

    /// <summary>How long answers are.</summary>
    public AnswerLengths Lengths { get; } = new();

    /// <summary>How predictions of the first token's time turn out.</summary>
    public PredictionErrors FirstTokens { get; } = new();

    /// <summary>How predictions of an answer's speed turn out.</summary>
    public PredictionErrors Speeds { get; } = new();

    /// <summary>Replaces what is known. Allocates nothing, but when there are more clients than ever before.</summary>
    public void Post(SequenceSet sequences)
    {
        var clients = sequences.Clients;
        if (_clients.Length < clients.Length)
        {
            _clients = new PostedClient[2 * clients.Length];
        }

        _clientCount = clients.Length;
        for (int i = 0; i < clients.Length; i++)
        {
            var client = clients[i];
            _clients[i] = new PostedClient(client.Name, client.MostRunning, client.Running, client.Rows);
        }

        _admitted = sequences.Entries;
        _count = 0;
        Append(sequences.Running);
        Append(sequences.Waiting);
    }

    /// <summary>What is known, those who have come since, and one request more.</summary>
    /// <param name="taken">Given to the scheduler since the last post; they count as they came.</param>
    /// <param name="incoming">Not given to it yet.</param>
    /// <param name="request">The request to follow.</param>
    /// <param name="client">Its client.</param>
    public Workload CopyWith(List<Sequence> taken, List<Sequence> incoming, ForecastEntry request, string? client)
    {
        var entries = new ForecastEntry[_count + taken.Count + incoming.Count + 1];
        var clients = new List<ClientShare>(_clientCount + 1);
        for (int i = 0; i < _clientCount; i++)
        {
            clients.Add(_clients[i].ToShare());
        }

        for (int i = 0; i < _count; i++)
        {
            entries[i] = _posted[i] with { Share = clients[_posted[i].Client] };
        }

        int at = _count;
        Append(taken, entries, clients, ref at);
        Append(incoming, entries, clients, ref at);
        entries[at] = request with { Share = ShareOf(clients, client), Arrival = long.MaxValue };
        return new Workload(entries, _admitted);
    }

    /// <summary>What a request asks for when it comes.</summary>
    public ForecastEntry EntryOf(Sequence sequence)
    {
        int room = sequence.Tokens.Limit - sequence.Tokens.PromptLength;
        return NewEntry(sequence.Tokens.PromptLength, Lengths.Expect(room, sequence.Request.IgnoreEndOfGeneration), sequence.Priority, sequence.Arrival);
    }

    /// <summary>The same of one that is only planned.</summary>
    /// <param name="promptTokens">Tokens of its prompt.</param>
    /// <param name="tokens">Tokens of its answer.</param>
    /// <param name="priority">Its priority.</param>
    /// <param name="arrival">Order of arrival.</param>
    public static ForecastEntry NewEntry(int promptTokens, int tokens, int priority, long arrival = long.MaxValue) =>
        new() { Rows = promptTokens, Tokens = tokens, Priority = priority, Arrival = arrival };

    /// <summary>Forecasts the last entry of <paramref name="work"/>, whose arrays are used up.</summary>
    public ForecastTimes Run(Workload work) => new Forecast(_budget, _maxRows, _slots, _blocks, work).Follow();

    private void Append(List<Sequence> sequences, ForecastEntry[] entries, List<ClientShare> clients, ref int at)
    {
        foreach (var sequence in sequences)
        {
            entries[at++] = EntryOf(sequence) with { Share = ShareOf(clients, sequence.Client) };
        }
    }

    private ClientShare ShareOf(List<ClientShare> clients, string? name)
    {
        long fewest = long.MaxValue;
        foreach (var known in clients)
        {
            if (known.Name == name)
            {
                return known;
            }

            fewest = Math.Min(fewest, known.Rows);
        }

        var share = new ClientShare(name, name is null ? int.MaxValue : _perClient) { Rows = clients.Count == 0 ? 0 : fewest };
        clients.Add(share);
        return share;
    }

    private void Append(List<Sequence> sequences)
    {
        foreach (var sequence in sequences)
        {
            // Whoever does not read asks for nothing and makes room for others.
            if (!sequence.IsPaused && !sequence.Life.CancelRequested && !sequence.Life.HasEnded && _count < _posted.Length)
            {
                _posted[_count++] = StandingOf(sequence);
            }
        }
    }

    private ForecastEntry StandingOf(Sequence sequence)
    {
        bool decoding = sequence is { IsDecoding: true, Slot: >= 0 };
        return new ForecastEntry
        {
            Running = sequence.Slot >= 0,
            Started = sequence.Record.Started != 0,
            Rows = decoding ? 0 : sequence.Pending,
            Tokens = Lengths.Expect(sequence.Tokens.Limit - sequence.Tokens.Length, sequence.Request.IgnoreEndOfGeneration),
            Positions = decoding ? sequence.Tokens.Length : sequence.Computed,
            RowsOwed = sequence.RowsOwed,
            Arrival = sequence.Arrival,
            Priority = sequence.Priority,
            Client = sequence.Share.Index,
        };
    }
}
