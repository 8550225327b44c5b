using System.Threading.Channels;
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

    /// <summary>[no tick runs]</summary>
    private void Measure()
    {
        _measurementWanted = false;
        _executor.Costs.Measure();
        _draft?.Executor.Costs.Measure();
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
