namespace LlmServe.Engine;

/// <summary>Limits of an engine.</summary>
public sealed record EngineOptions
{
    /// <summary>Names the engine in metrics and traces, as the model that clients ask for; null: the model's architecture.</summary>
    public string? Name { get; init; }

    /// <summary>Most sequences that run at once; the executor's row table may allow fewer.</summary>
    public int MaxSequences { get; init; } = 64;

    /// <summary>Most requests accepted beyond <see cref="MaxSequences"/>; one more is refused with <see cref="EngineError.QueueFull"/>.</summary>
    public int MaxQueue { get; init; } = 256;

    /// <summary>Most rows of a tick; the executor's row table may allow fewer.</summary>
    public int MaxRowsPerTick { get; init; } = 256;

    /// <summary>Updates that a stream buffers before its sequence pauses.</summary>
    public int StreamCapacity { get; init; } = 64;

    /// <summary>
    /// While sequences decode, prompts are read in chunks small enough that the predicted time of a tick stays within this, in milliseconds.
    /// </summary>
    public double MaxTickMilliseconds { get; init; } = 50;

    /// <summary>
    /// Whether KV blocks of finished and running sequences are kept, as long as memory lasts, for requests that start with the same tokens (system
    /// prompts, chats with several turns). Answers are the same either way.
    /// </summary>
    public bool PrefixCache { get; init; } = true;

    /// <summary>
    /// A folder in which the prefix cache outlives the process; null: it does not. What a start finds there is checked: files by digest, the model by computing a
    /// first block again. Several engines can share a folder.
    /// </summary>
    public string? PrefixCacheDirectory { get; init; }

    /// <summary>Most bytes of <see cref="PrefixCacheDirectory"/> for this model; what was not used for longest goes.</summary>
    public long PrefixCacheDiskBytes { get; init; } = 8L << 30;

    /// <summary>Takes a sentence for people, on any thread, when something goes on without what it should have.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>
    /// Most tokens that a decoding sequence guesses ahead per tick and has verified in the same tick; null: as many as are expected to pay, 0: none.
    /// Answers are the same in any case; text that repeats itself comes faster. A number is for measuring: so many are guessed whenever there is
    /// something to guess from and nobody else needs the rows, whether it pays or not.
    /// </summary>
    public int? Speculate { get; init; }

    /// <summary>Most sequences of one named client that run at once; more of its requests wait while others pass. 0: no limit.</summary>
    public int MaxSequencesPerClient { get; init; }

    /// <summary>
    /// Most requests of one named client that run or wait; one more is refused with <see cref="EngineError.ClientLimit"/>. 0: no limit.
    /// </summary>
    public int MaxRequestsPerClient { get; init; }

    /// <summary>
    /// Whether the machine is measured before the first request rather than at the first prediction, so that every request comes with one and no
    /// stream ever waits for the measurement.
    /// </summary>
    public bool MeasureFirst { get; init; }

    /// <exception cref="ArgumentOutOfRangeException">A limit is not positive, or one that may be 0 is negative.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSequences, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxQueue);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRowsPerTick, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(StreamCapacity, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(Speculate ?? 0, nameof(Speculate));
        ArgumentOutOfRangeException.ThrowIfNegative(MaxSequencesPerClient);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxRequestsPerClient);
        ArgumentOutOfRangeException.ThrowIfNegative(PrefixCacheDiskBytes);
        if (!(MaxTickMilliseconds > 0))
        {
            throw new ArgumentOutOfRangeException(nameof(MaxTickMilliseconds), MaxTickMilliseconds, "must be above 0 milliseconds");
        }
    }
}
