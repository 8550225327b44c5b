using System.Threading.Channels;
using LlmServe.Compiler;
using LlmServe.Engine.Planning;
using LlmServe.Engine.Scheduling;
using LlmServe.Engine.Streams;
using LlmServe.Engine.Telemetry;
using LlmServe.Text;

namespace LlmServe.Engine;

/// <summary>Runs generations on a compiled model: one thread, one loop, many sequences. Thread-safe.</summary>
public sealed class LlmEngine : IAsyncDisposable
{
    private readonly object _lock = new();
    private readonly IProgramExecutor _executor;
    private readonly DraftModel? _draft;
    private readonly GenerationLoop _loop;
    private readonly EngineMetrics _metrics;
    private readonly int _streamCapacity;
    private readonly RequestCounts _live; // guarded by _lock
    private readonly LoadBoard _board; // guarded by _lock
    private readonly TaskCompletionSource _measured = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _measurementWanted;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Sequence> _incoming = []; // guarded by _lock, as everything below
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
        ContextLength = GenerationLoop.ContextOf(executor);
        _metrics = new EngineMetrics(options.Name ?? executor.Model.Architecture, () => Statistics);
        _loop = new GenerationLoop(executor, tokenizer, options, OnFinished, _metrics, draft, learns: true);
        _live = new RequestCounts(_loop.MaxSequences + options.MaxQueue, options.MaxRequestsPerClient);
        _board = new LoadBoard(executor, _loop.Predictor, options, _loop.MaxSequences);
        if (options.MeasureFirst)
        {
            Measure();
        }

        _statistics = _loop.Statistics;
        new Thread(Run) { Name = "llmserve engine", IsBackground = true }.Start();
    }

    /// <summary>The model that runs.</summary>
    public ModelInfo Model => _executor.Model;

    /// <summary>Name of the backend and the path taken, for people.</summary>
    public string Backend => _executor.Backend;

    /// <summary>Its tokenizer.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>Most tokens of prompt and answer together: the model's context, or what the KV memory holds if that is less.</summary>
    public int ContextLength { get; }

    /// <summary>What the engine is doing, as of its last tick.</summary>
    public EngineStatistics Statistics
    {
        get
        {
            lock (_lock)
            {
                return _statistics;
            }
        }
    }

    /// <summary>Queues a generation.</summary>
    /// <param name="request">What to generate.</param>
    /// <param name="cancellation">Ends it with <see cref="FinishReason.Cancelled"/>, also while it waits.</param>
    /// <returns>
    /// Its updates; the last has a finish reason, then the channel completes. While they are not read the sequence pauses, so cancel what is not read to
    /// the end. If the engine fails the channel completes with an <see cref="EngineException"/>.
    /// </returns>
    /// <exception cref="EngineException">The request is invalid, the queue is full, or the engine is stopping or has failed.</exception>
    public ChannelReader<GenerationUpdate> Submit(GenerationRequest request, CancellationToken cancellation)
    {
        int[] prompt = RequestValidator.Check(request, Model.VocabularySize, ContextLength);
        int limit = (int)Math.Min(ContextLength, (long)prompt.Length + (request.MaxTokens ?? ContextLength));
        var stream = new UpdateStream(_streamCapacity, Wake);
        Sequence sequence;
        Load? load = null;
        lock (_lock)
        {
            ThrowIfRefusing(request.Client);
            sequence = new Sequence(_arrivals++, request, prompt, limit, Tokenizer, stream);
            _live.Add(sequence.Request.Client);
            if (_measured.Task.IsCompleted)
            {
                load = _board.CopyWith(_incoming, _board.LoadOf(sequence), request.Client);
            }
        }

        sequence.Activity = RequestActivity.Start(_metrics.Name, request, prompt.Length);
        sequence.Predicted = load is { } present ? _board.Run(present) : null;

        // Registered before the engine's thread sees the sequence, so that it can always unregister; runs at once if already cancelled.
        sequence.Cancellation = cancellation.UnsafeRegister(Cancel, sequence);
        Enqueue(sequence);
        return stream;
    }

    /// <summary>
    /// What a request would get if it came now. Cheap (microseconds; below about ten milliseconds with hundreds waiting), except that the first call
    /// measures the machine where <see cref="EngineOptions.MeasureFirst"/> did not.
    /// </summary>
    /// <remarks>
    /// The scheduler is played ahead over the compiled costs. Answers that only their limit ends count in full, others with the mean length of those
    /// before. Alone or in a steady load the times are as good as the cost model (a tenth or so); with a full queue they are an estimate: answers that
    /// end early make it shorter, later arrivals of a higher priority, preemption and clients that do not read make it longer. Prefixes that are
    /// cached and guesses that turn out right are not counted on.
    /// </remarks>
    /// <param name="promptTokens">Tokens of the prompt, at least 1.</param>
    /// <param name="maxTokens">Most tokens of the answer, at least 1, counted in full; null: as long as answers are on average.</param>
    /// <param name="client">Who would ask (<see cref="GenerationRequest.Client"/>).</param>
    /// <param name="priority">How urgently (<see cref="GenerationRequest.Priority"/>).</param>
    /// <exception cref="EngineException">A number is out of range (<see cref="EngineError.InvalidArgument"/>), or the engine has failed.</exception>
    public RequestPlan Plan(int promptTokens, int? maxTokens = null, string? client = null, int priority = 0)
    {
        RequestValidator.CheckPlan(promptTokens, maxTokens, client, priority);
        string? refusal = promptTokens < ContextLength
            ? null
            : $"a prompt of {promptTokens} tokens is too long: the context holds {ContextLength} tokens including at least one of the answer";
        if (!_measured.Task.IsCompleted)
        {
            _measurementWanted = true;
            Wake();
            Task.WaitAny(_measured.Task, _ended.Task);
        }

        Load load;
        int running;
        int waiting;
        lock (_lock)
        {
            var refused = Refusal(client);
            if (refused is { Error: EngineError.Failed })
            {
                throw refused;
            }

            refusal ??= refused?.Message;
            running = _statistics.Running;
            waiting = _statistics.Waiting + _incoming.Count;
            int room = (int)Math.Min(maxTokens ?? ContextLength, (long)ContextLength - promptTokens);
            int tokens = _board.Lengths.Expect(room, toTheLimit: maxTokens is not null);
            load = _board.CopyWith(_incoming, new SequenceLoad { Rows = promptTokens, Tokens = tokens, Priority = priority }, client);
        }

        if (refusal is not null)
        {
            return new RequestPlan(false, refusal, TimeSpan.Zero, TimeSpan.Zero, 0, TimeSpan.Zero, running, waiting);
        }

        var times = _board.Run(load);
        return new RequestPlan(
            true, null, TimeSpan.FromSeconds(times.Wait), TimeSpan.FromSeconds(times.FirstToken), times.TokensPerSecond, TimeSpan.FromSeconds(times.End),
            running, waiting);
    }

    /// <summary>What a request would get if it came now: its size is planned, and all else in it is checked as <see cref="Submit"/> does.</summary>
    /// <exception cref="EngineException">As <see cref="Submit"/> throws for what is wrong in the request itself; a prompt that is too long is refused.</exception>
    public RequestPlan Plan(GenerationRequest request)
    {
        if (request.Prompt.Count < ContextLength)
        {
            RequestValidator.Check(request, Model.VocabularySize, ContextLength);
        }

        return Plan(request.Prompt.Count, request.MaxTokens, request.Client, request.Priority);
    }

    /// <summary>
    /// Takes no new request, lets accepted ones finish until <paramref name="grace"/> ends, then ends the rest with <see cref="FinishReason.Aborted"/>.
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
            await Task.WhenAny(_ended.Task, Task.Delay(grace, ended.Token)).ConfigureAwait(false);
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
        _draft?.Executor.Dispose();
        _executor.Dispose();
    }

    private Task AbortAsync()
    {
        lock (_lock)
        {
            _stopping = true;
            _aborting = true;
        }

        Wake();
        return _ended.Task;
    }

    private void ThrowIfRefusing(string? client)
    {
        if (Refusal(client) is { } refusal)
        {
            throw refusal;
        }
    }

    /// <summary>Why no request is taken from this client now; null: one is.</summary>
    private EngineException? Refusal(string? client)
    {
        if (_failure is not null)
        {
            return new EngineException(EngineError.Failed, _failure.Message, null, _failure.InnerException);
        }

        if (_stopping)
        {
            return new EngineException(EngineError.Stopping, "the engine is stopping and takes no new requests");
        }

        return _live.Refusal(client);
    }

    private void Enqueue(Sequence sequence)
    {
        lock (_lock)
        {
            if (!_ended.Task.IsCompleted)
            {
                _incoming.Add(sequence);
                _awake = true;
                Monitor.Pulse(_lock);
                return;
            }

            _live.Remove(sequence.Request.Client);
        }

        // The loop ended between the two locks.
        RequestActivity.End(sequence, FinishReason.Aborted);
        sequence.Cancellation.Unregister();
        lock (_lock)
        {
            ThrowIfRefusing(null);
        }
    }

    private void Cancel(object? sequence)
    {
        ((Sequence)sequence!).RequestCancel();
        Wake();
    }

    private void Wake()
    {
        lock (_lock)
        {
            _awake = true;
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>The first prediction, after which any thread may ask for one. [no tick runs]</summary>
    private void Measure()
    {
        _measurementWanted = false;
        _loop.Predictor.Seconds(1, 1, 0);
        _draft?.Executor.PredictTick(1, 1, 0);
        _measured.TrySetResult();
    }

    private void OnFinished(Sequence sequence)
    {
        lock (_lock)
        {
            _live.Remove(sequence.Request.Client);
            _statistics = _loop.Statistics;
            if (sequence.Finish is FinishReason.Stop or FinishReason.Length && !sequence.Request.IgnoreEndOfGeneration)
            {
                _board.Lengths.Add(sequence.Length - sequence.PromptLength);
            }
        }
    }

    /// <summary>The engine's thread.</summary>
    private void Run()
    {
        try
        {
            while (TakeIncoming())
            {
                if (_measurementWanted)
                {
                    Measure();
                }

                bool worked = _loop.Step();
                lock (_lock)
                {
                    _statistics = _loop.Statistics;
                    _loop.Post(_board);
                    while (!worked && !_awake)
                    {
                        Monitor.Wait(_lock);
                    }
                }
            }
        }
        catch (Exception failure)
        {
            Fail(failure);
        }
    }

    /// <summary>Hands new sequences to the loop. False when the loop is over.</summary>
    private bool TakeIncoming()
    {
        lock (_lock)
        {
            _awake = false;
            foreach (var sequence in _incoming)
            {
                _loop.Add(sequence);
            }

            _incoming.Clear();
            if (!_aborting && !(_stopping && _live.Total == 0))
            {
                return true;
            }

            _loop.AbortAll();
            _ended.TrySetResult();
            return false;
        }
    }

    /// <summary>A tick threw: nobody may wait for an answer that will not come.</summary>
    private void Fail(Exception cause)
    {
        lock (_lock)
        {
            _failure = new EngineException(
                EngineError.Failed, $"the engine failed and has stopped; restart it. Cause: {cause.Message}", null, cause);
            foreach (var sequence in _incoming)
            {
                _loop.Add(sequence);
            }

            _incoming.Clear();
            _loop.FailAll(_failure);
            _ended.TrySetResult();
        }
    }
}
