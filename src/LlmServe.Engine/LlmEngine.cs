using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using LlmServe.Engine.Memory.Store;
using LlmServe.Engine.Planning;
using LlmServe.Engine.Scheduling;
using LlmServe.Engine.Streams;
using LlmServe.Engine.Telemetry;
using LlmServe.Execution;
using LlmServe.Text;

namespace LlmServe.Engine;

/// <summary>Runs generations on a compiled model: one thread, one loop, many sequences. Thread-safe.</summary>
public sealed partial class LlmEngine : IAsyncDisposable
{
    private readonly object _lock = new(); // an object, not a Lock: the engine's thread waits on it
    private readonly IProgramExecutor _executor;
    private readonly DraftModel? _draft;
    private readonly GenerationLoop _loop;
    private readonly EngineMetrics _metrics;
    private readonly PrefixStore? _store;
    private readonly RequestEnd _unbegun; // ends requests that never ran, on any thread
    private readonly int _streamCapacity;
    private readonly RequestPlaces _places; // guarded by _lock
    private readonly WorkBoard _board; // guarded by _lock
    private readonly TaskCompletionSource _measured = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _measurementWanted;
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<Sequence> _incoming = []; // guarded by _lock, as everything below
    private List<Sequence> _taken = []; // given to the loop, but not on the board yet
    private EngineStatistics _statistics;
    private EngineException? _failure;
    private long _arrivals;
    private bool _awake;
    private bool _stopping;
    private bool _aborting;
    private bool _disposed;

    /// <summary>Starts the generation loop. The engine owns <paramref name="executor"/>, and that of <paramref name="draft"/>, from now on.</summary>
    /// <param name="executor">Runs the model.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="options">Limits.</param>
    /// <param name="draft">A smaller model that guesses tokens ahead; null: only the text's own past does.</param>
    /// <exception cref="ArgumentException">
    /// A limit of <paramref name="options"/> is out of range, the model can say tokens that the tokenizer lacks, or the draft has another vocabulary.
    /// </exception>
    public LlmEngine(IProgramExecutor executor, ITokenizer tokenizer, EngineOptions options, DraftModel? draft = null)
    {
        ArgumentNullException.ThrowIfNull(executor);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (tokenizer.VocabularySize < executor.Model.VocabularySize)
        {
            throw new ArgumentException(
                $"the tokenizer has {tokenizer.VocabularySize} tokens but the model gives logits for {executor.Model.VocabularySize}", nameof(tokenizer));
        }

        draft?.RequireVocabularyOf(tokenizer);
        _executor = executor;
        _draft = draft;
        _streamCapacity = options.StreamCapacity;
        Tokenizer = tokenizer;
        _metrics = new EngineMetrics(options.Name ?? executor.Model.Architecture, () => Statistics);
        _unbegun = new RequestEnd(_metrics, OnUnbegunEnded);
        _store = options is { PrefixCache: true, PrefixCacheDirectory: { } directory }
            ? PrefixStore.Open(directory, executor.Model, executor.Memory, options.PrefixCacheDiskBytes, Warning(options.OnWarning)) : null;
        _loop = new GenerationLoop(executor, tokenizer, options, OnEnded, _metrics, draft, learns: true, _store, Wake);
        _places = new RequestPlaces(_loop.MaxSequences + options.MaxQueue, options.MaxRequestsPerClient);
        _board = new WorkBoard(executor, _loop.Predictor, options, _loop.MaxSequences);
        if (options.MeasureFirst)
        {
            Measure();
        }

        _statistics = _loop.Statistics;
        new Thread(Run) { Name = "llmserve engine", IsBackground = true }.Start();
        _metrics.Publish();
    }

    /// <summary>The model that runs.</summary>
    public ModelInfo Model => _executor.Model;

    /// <summary>Name of the backend and the path taken, for people.</summary>
    public string Backend => _executor.Backend;

    /// <summary>Its tokenizer.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>Most tokens of prompt and answer together: the model's context, or what the KV memory holds if that is less.</summary>
    public int ContextLength => _loop.ContextLength;

    /// <summary>Most requests that run at once.</summary>
    public int Slots => _loop.MaxSequences;

    /// <summary>Most requests that run, wait and are being prepared, together.</summary>
    public int Capacity => _places.Most;

    /// <summary>
    /// Ends when the engine is over: successfully once it was stopped, with the <see cref="EngineException"/> as soon as it has failed, whether or not
    /// anybody waits for an answer then.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>What the engine is doing, as of its last tick; requests are counted as of now.</summary>
    public EngineStatistics Statistics
    {
        get
        {
            lock (_lock)
            {
                int running = _loop.Running;
                return _statistics with
                {
                    Running = running, Waiting = Math.Max(0, _places.Total - running), ListenerFailures = _metrics.ListenerFailures,
                    PredictedRequests = _predicted, PredictedWithinRange = _predictedWithin,
                };
            }
        }
    }

    /// <summary>
    /// Takes a place for a request that is still to be prepared. When all places are taken, the client that holds most gives way to one that holds at
    /// least two fewer: its youngest request that has not begun is refused.
    /// </summary>
    /// <param name="client">Who asks (<see cref="GenerationRequest.Client"/>).</param>
    /// <param name="priority">How urgently (<see cref="GenerationRequest.Priority"/>).</param>
    /// <param name="ticket">The place; dispose it.</param>
    /// <param name="refusal">Why there is none. Not thrown, so that refusing costs next to nothing.</param>
    /// <returns>Whether there is a place.</returns>
    public bool TryReserve(
        string? client, int priority, [NotNullWhen(true)] out AdmissionTicket? ticket, [NotNullWhen(false)] out EngineException? refusal)
    {
        ticket = null;
        refusal = RequestValidator.ShareError(client, priority);
        if (refusal is not null)
        {
            return false;
        }

        AdmissionTicket? displaced = null;
        lock (_lock)
        {
            refusal = Refusal(client);
            if (refusal is null)
            {
                ticket = new AdmissionTicket(this, _arrivals++, client, priority);
                if (!_places.TryAdd(ticket, out displaced))
                {
                    ticket = null;
                    refusal = Refusal(client)!; // who could have given way has just begun to run
                }
            }
        }

        if (displaced is not null)
        {
            TellDisplaced(displaced);
        }

        return ticket is not null;
    }

    /// <summary><see cref="TryReserve"/>, throwing the refusal.</summary>
    /// <param name="client">Who asks.</param>
    /// <param name="priority">How urgently.</param>
    /// <exception cref="EngineException">There is no place.</exception>
    public AdmissionTicket Reserve(string? client = null, int priority = 0) =>
        TryReserve(client, priority, out var ticket, out var refusal) ? ticket : throw refusal;

    /// <summary>Queues a generation.</summary>
    /// <param name="request">What to generate.</param>
    /// <param name="cancellation">Ends it with <see cref="FinishReason.Cancelled"/>, also while it waits.</param>
    /// <returns>
    /// Its updates; the last has a finish reason, then the channel completes. While they are not read the sequence pauses, so cancel what is not read to
    /// the end. If the engine fails, or something in this request alone, the channel completes with an <see cref="EngineException"/>.
    /// </returns>
    /// <exception cref="EngineException">The request is invalid, the queue is full, or the engine is stopping or has failed.</exception>
    public ChannelReader<GenerationUpdate> Submit(GenerationRequest request, CancellationToken cancellation)
    {
        int[] prompt = RequestValidator.Check(request, Model.VocabularySize, Tokenizer.VocabularySize, ContextLength);
        var ticket = Reserve(request.Client, request.Priority);
        ticket.TryUse();
        return Start(ticket, request, prompt, cancellation);
    }

    /// <summary><see cref="AdmissionTicket.Submit"/>.</summary>
    internal ChannelReader<GenerationUpdate> Use(AdmissionTicket ticket, GenerationRequest request, CancellationToken cancellation)
    {
        int[] prompt = RequestValidator.Check(request, Model.VocabularySize, Tokenizer.VocabularySize, ContextLength);
        if (!ticket.TryUse())
        {
            throw ticket.Refusal ?? (Exception)new InvalidOperationException("the ticket was used or given back before; take one for every request");
        }

        return Start(ticket, request, prompt, cancellation);
    }

    /// <summary><see cref="AdmissionTicket.Dispose"/>.</summary>
    internal void GiveBack(AdmissionTicket ticket)
    {
        lock (_lock)
        {
            _places.Remove(ticket);
        }

        Wake(); // a stop may wait for the last place
    }

    /// <summary>
    /// Takes no new request, lets accepted ones finish until <paramref name="grace"/> ends, then ends the rest with <see cref="FinishReason.Aborted"/>.
    /// Places that are taken count as accepted.
    /// </summary>
    /// <param name="grace"><see cref="Timeout.InfiniteTimeSpan"/> waits for all.</param>
    public async Task StopAsync(TimeSpan grace)
    {
        lock (_lock)
        {
            _stopping = true;
        }

        Wake();
        using (var ended = new CancellationTokenSource())
        {
            await Task.WhenAny(_over.Task, Task.Delay(grace, ended.Token)).ConfigureAwait(false);
            await ended.CancelAsync().ConfigureAwait(false);
        }

        await AbortAsync().ConfigureAwait(false);
    }

    /// <summary>Stops after the current tick, ends what runs with <see cref="FinishReason.Aborted"/>, and disposes the executor.</summary>
    public async ValueTask DisposeAsync()
    {
        await AbortAsync().ConfigureAwait(false);
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        _metrics.Dispose();
        if (_store is not null)
        {
            await _store.DisposeAsync().ConfigureAwait(false);
        }

        try
        {
            _draft?.Executor.Dispose();
        }
        finally
        {
            _executor.Dispose();
        }
    }

    /// <summary>Whoever is warned is anybody's code.</summary>
    private static Action<string> Warning(Action<string>? tell) => message =>
    {
        try
        {
            tell?.Invoke(message);
        }
        catch (Exception)
        {
            // Nothing depends on who listens.
        }
    };

    private Task AbortAsync()
    {
        lock (_lock)
        {
            _stopping = true;
            _aborting = true;
        }

        Wake();
        return _over.Task;
    }

    /// <summary>Why no request is taken from this client now; null: one is. [lock]</summary>
    private EngineException? Refusal(string? client)
    {
        if (_failure is not null)
        {
            return new EngineException(EngineError.Failed, _failure.Message, null, _failure.InnerException);
        }

        return _stopping ? Stopping() : _places.Refusal(client);
    }

    private static EngineException Stopping() => new(EngineError.Stopping, "the engine is stopping and takes no new requests");

    /// <summary>Queues a checked request on a place that nobody else can use any more.</summary>
    private UpdateStream Start(AdmissionTicket ticket, GenerationRequest request, int[] prompt, CancellationToken cancellation)
    {
        Sequence? sequence = null;
        try
        {
            int limit = (int)Math.Min(ContextLength, (long)prompt.Length + (request.MaxTokens ?? ContextLength));
            var stream = new UpdateStream(_streamCapacity, Wake);
            sequence = new Sequence(ticket.Arrival, request, prompt, limit, Tokenizer, stream) { Ticket = ticket };
            sequence.Record.Activity = _metrics.Begin(sequence);
            sequence.Stored = _store?.Find(prompt.AsSpan(0, prompt.Length - 1));
            sequence.Record.Predicted = Predict(sequence);

            // Registered before the engine's thread sees the sequence, so that it can always unregister; runs at once if already cancelled.
            sequence.Life.Cancellation = cancellation.UnsafeRegister(Cancel, sequence);
            if (TryQueue(ticket, sequence) is { } refusal)
            {
                throw refusal;
            }

            return stream;
        }
        catch
        {
            if (sequence?.Life.TryEndWaiting() ?? false)
            {
                sequence.Life.Cancellation.Unregister();
                _metrics.Abandoned(sequence);
            }

            GiveBack(ticket);
            throw;
        }
    }

    /// <summary>Hands a sequence over to the engine's thread, unless it was cancelled meanwhile. Why that cannot be; null: done.</summary>
    private EngineException? TryQueue(AdmissionTicket ticket, Sequence sequence)
    {
        lock (_lock)
        {
            if (sequence.Life.HasEnded)
            {
                return null;
            }

            if (ticket.Refusal is { } refusal)
            {
                return refusal;
            }

            ticket.Sequence = sequence;
            _incoming.Add(sequence);
            _awake = true;
            Monitor.Pulse(_lock);
            return null;
        }
    }

    /// <summary>What is predicted for a request; null: nothing, because the machine is not measured or the forecast failed, which is no reason to refuse.</summary>
    private ForecastTimes? Predict(Sequence sequence)
    {
        if (!_measured.Task.IsCompleted)
        {
            return null;
        }

        try
        {
            Workload work;
            lock (_lock)
            {
                work = _board.CopyWith(_taken, _incoming, _board.EntryOf(sequence), sequence.Client);
            }

            var times = _board.Run(work);
            var (firstToken, tokensPerSecond) = RangesOf(times);
            return times with { FirstTokenRange = firstToken, TokensPerSecondRange = tokensPerSecond };
        }
        catch (Exception)
        {
            return null;
        }
    }

    private (PredictedRange FirstToken, PredictedRange TokensPerSecond) RangesOf(ForecastTimes times)
    {
        lock (_lock)
        {
            return (_board.FirstTokens.RangeOf(times.FirstToken), _board.Speeds.RangeOf(times.TokensPerSecond));
        }
    }

    private void Cancel(object? state)
    {
        var sequence = (Sequence)state!;
        sequence.Life.RequestCancel();
        if (sequence.Life.TryEndWaiting())
        {
            _unbegun.Tell(sequence, FinishReason.Cancelled);
        }

        Wake();
    }

    private void TellDisplaced(AdmissionTicket ticket)
    {
        ticket.TellLost();
        if (ticket.Sequence is { } sequence)
        {
            _unbegun.Tell(sequence, FinishReason.Displaced, ticket.Refusal!.Message);
        }

        Wake();
    }

    private void OnUnbegunEnded(Sequence sequence)
    {
        lock (_lock)
        {
            _places.Remove(sequence.Ticket!);
        }
    }

    private void Wake()
    {
        lock (_lock)
        {
            _awake = true;
            Monitor.Pulse(_lock);
        }
    }
}
