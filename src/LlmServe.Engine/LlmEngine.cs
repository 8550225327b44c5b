using System.Threading.Channels;
using LlmServe.Compiler;
using LlmServe.Text;

namespace LlmServe.Engine;

/// <summary>Limits of an engine.</summary>
public sealed record EngineOptions
{
    /// <summary>Most sequences that run at once.</summary>
    public int MaxSequences { get; init; } = 64;

    /// <summary>Most requests that wait; one more is refused with <see cref="EngineError.QueueFull"/>.</summary>
    public int MaxQueue { get; init; } = 256;

    /// <summary>Most rows of a tick.</summary>
    public int MaxRowsPerTick { get; init; } = 256;

    /// <summary>Updates that a stream buffers before its sequence pauses.</summary>
    public int StreamCapacity { get; init; } = 64;
}

/// <summary>Runs generations on a compiled model: one thread, one loop, many sequences. Thread-safe.</summary>
public sealed class LlmEngine : IAsyncDisposable
{
    /// <summary>Starts the generation loop. The engine owns <paramref name="executor"/> from now on.</summary>
    public LlmEngine(IProgramExecutor executor, ITokenizer tokenizer, EngineOptions options) => throw new NotImplementedException();

    /// <summary>The model that runs.</summary>
    public ModelInfo Model => throw new NotImplementedException();

    /// <summary>Its tokenizer.</summary>
    public ITokenizer Tokenizer => throw new NotImplementedException();

    /// <summary>Queues a generation.</summary>
    /// <returns>Its updates; the last has a finish reason, then the channel completes.</returns>
    /// <exception cref="EngineException">The request is invalid, the queue is full, or the engine is stopping.</exception>
    public ChannelReader<GenerationUpdate> Submit(GenerationRequest request, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Takes no new request, lets running ones finish until <paramref name="grace"/> ends, then aborts the rest.</summary>
    public Task StopAsync(TimeSpan grace) => throw new NotImplementedException();

    /// <summary>Stops at once.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
