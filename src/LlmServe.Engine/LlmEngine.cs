using System.Threading.Channels;
using LlmServe.Compiler;
using LlmServe.Engine.Scheduling;
using LlmServe.Engine.Streams;
using LlmServe.Text;

namespace LlmServe.Engine;

/// <summary>Runs generations on a compiled model: one thread, one loop, many sequences. Thread-safe.</summary>
public sealed class LlmEngine : IAsyncDisposable
{
    private readonly object _lock = new();
    private readonly IProgramExecutor _executor;
    private readonly GenerationLoop _loop;
    private readonly int _streamCapacity;
    private readonly int _maxLive;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Sequence> _incoming = []; // guarded by _lock, as everything below
    private EngineStatistics _statistics;
    private EngineException? _failure;
    private long _arrivals;
    private int _live;
    private bool _awake;
    private bool _stopping;
    private bool _aborting;
    private bool _disposed;

    /// <summary>Starts the generation loop. The engine owns <paramref name="executor"/> from now on.</summary>
    /// <exception cref="ArgumentException">
    /// A limit of <paramref name="options"/> is out of range, or the model can say tokens that the tokenizer lacks.
    /// </exception>
    public LlmEngine(IProgramExecutor executor, ITokenizer tokenizer, EngineOptions options)
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

        _executor = executor;
        _streamCapacity = options.StreamCapacity;
        Tokenizer = tokenizer;
        ContextLength = GenerationLoop.ContextOf(executor);
        _loop = new GenerationLoop(executor, tokenizer, options, OnFinished);
        _maxLive = _loop.MaxSequences + options.MaxQueue;
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
        lock (_lock)
        {
            ThrowIfRefusing();
            _live++;
            sequence = new Sequence(_arrivals++, request, prompt, limit, Tokenizer, stream);
        }

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

    private void ThrowIfRefusing()
    {
        if (_failure is not null)
        {
            throw new EngineException(EngineError.Failed, _failure.Message, null, _failure.InnerException);
        }

        if (_stopping)
        {
            throw new EngineException(EngineError.Stopping, "the engine is stopping and takes no new requests");
        }

        if (_live >= _maxLive)
        {
            throw new EngineException(
                EngineError.QueueFull, $"the queue is full: {_live} requests run or wait, and at most {_maxLive} may; try again later");
        }
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

            _live--;
        }

        // The loop ended between the two locks.
        sequence.Cancellation.Unregister();
        lock (_lock)
        {
            ThrowIfRefusing();
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

    private void OnFinished(Sequence sequence)
    {
        lock (_lock)
        {
            _live--;
            _statistics = _loop.Statistics;
        }
    }

    /// <summary>The engine's thread.</summary>
    private void Run()
    {
        try
        {
            while (TakeIncoming())
            {
                bool worked = _loop.Step();
                lock (_lock)
                {
                    _statistics = _loop.Statistics;
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
            if (!_aborting && !(_stopping && _live == 0))
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
