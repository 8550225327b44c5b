using System.Diagnostics;

namespace LlmServe.Cli.LoadTest;

/// <summary>How a request ended.</summary>
internal enum Outcome
{
    /// <summary>With its last token.</summary>
    Done,

    /// <summary>Its client cancelled it, as planned.</summary>
    Cancelled,

    /// <summary>Its client closed the connection, as planned.</summary>
    Disconnected,

    /// <summary>With an error that nobody planned.</summary>
    Failed,
}

/// <summary>What all clients saw together. Bounded memory; thread-safe.</summary>
internal sealed class LoadStatistics
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _failures = [];
    private readonly long[] _outcomes = new long[Enum.GetValues<Outcome>().Length];
    private long _windowStart = long.MaxValue;
    private long _windowEnd = long.MaxValue;
    private long _started;
    private int _open;

    /// <summary>From the moment a request was due to its first token.</summary>
    public LatencyHistogram FirstToken { get; } = new();

    /// <summary>Between two messages with tokens on one stream.</summary>
    public LatencyHistogram InterToken { get; } = new();

    /// <summary>As <see cref="InterToken"/>, of the gaps that overlap the window.</summary>
    public LatencyHistogram InWindow { get; } = new();

    /// <summary>What servers report as waiting before the first prompt token was read.</summary>
    public LatencyHistogram Queue { get; } = new();

    /// <summary>Requests that ended for an unplanned reason, by that reason.</summary>
    public IReadOnlyDictionary<string, long> Failures
    {
        get
        {
            lock (_lock)
            {
                return new SortedDictionary<string, long>(_failures);
            }
        }
    }

    /// <summary>Tokens received.</summary>
    public long OutputTokens { get; private set; }

    /// <summary>Tokens of the prompts that were read, those found in the prefix cache included.</summary>
    public long PromptTokens { get; private set; }

    /// <summary>Prompt tokens that were found in the prefix cache.</summary>
    public long CachedTokens { get; private set; }

    /// <summary>Seconds from the first request to the last end.</summary>
    public double Elapsed { get; private set; }

    /// <summary>Requests that have been sent and have not ended.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Requests that have ended.</summary>
    public long Ended
    {
        get
        {
            lock (_lock)
            {
                return _outcomes.Sum();
            }
        }
    }

    /// <summary>Requests that ended in this way.</summary>
    public long Count(Outcome outcome)
    {
        lock (_lock)
        {
            return _outcomes[(int)outcome];
        }
    }

    /// <summary>A request is sent.</summary>
    public void OnSent()
    {
        lock (_lock)
        {
            _started = _started == 0 ? Stopwatch.GetTimestamp() : _started;
            _open++;
        }
    }

    /// <summary>A message with tokens has come.</summary>
    /// <param name="due">When the request was due (Stopwatch ticks).</param>
    /// <param name="last">When the message before came; 0: it is the first.</param>
    /// <param name="now">When it came.</param>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="timed">Whether times count; not those of clients that pause.</param>
    public void OnTokens(long due, long last, long now, int tokens, bool timed)
    {
        lock (_lock)
        {
            OutputTokens += tokens;
            if (!timed)
            {
                return;
            }

            if (last == 0)
            {
                FirstToken.Add(Stopwatch.GetElapsedTime(due, now).TotalSeconds);
                return;
            }

            double gap = Stopwatch.GetElapsedTime(last, now).TotalSeconds;
            InterToken.Add(gap);
            if (now > _windowStart && last < _windowEnd)
            {
                InWindow.Add(gap);
            }
        }
    }

    /// <summary>A request was read to its end.</summary>
    public void OnUsage(long promptTokens, long cachedTokens, double queueSeconds)
    {
        lock (_lock)
        {
            PromptTokens += promptTokens;
            CachedTokens += cachedTokens;
            Queue.Add(queueSeconds);
        }
    }

    /// <summary>A request has ended.</summary>
    /// <param name="outcome">How.</param>
    /// <param name="reason">The status and message of a failure.</param>
    public void OnEnded(Outcome outcome, string? reason = null)
    {
        lock (_lock)
        {
            _open--;
            _outcomes[(int)outcome]++;
            Elapsed = Stopwatch.GetElapsedTime(_started).TotalSeconds;
            if (reason is not null)
            {
                _failures[reason] = _failures.GetValueOrDefault(reason) + 1;
            }
        }
    }

    /// <summary>Gaps from now on are also counted in <see cref="InWindow"/>.</summary>
    public void OpenWindow()
    {
        lock (_lock)
        {
            _windowStart = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>Gaps that begin later are not counted in <see cref="InWindow"/> any more.</summary>
    public void CloseWindow()
    {
        lock (_lock)
        {
            _windowEnd = Stopwatch.GetTimestamp();
        }
    }
}
