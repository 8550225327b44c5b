using System.Diagnostics;
using System.Diagnostics.Metrics;
using LlmServe.Engine.Scheduling;

namespace LlmServe.Engine.Telemetry;

/// <summary>
/// What one engine reports. The members that a tick calls allocate nothing, listened to or not. Listeners are anybody's code and run on the caller's
/// thread: what one throws is counted, and nothing else.
/// </summary>
internal sealed class EngineMetrics : IDisposable
{
    private readonly Func<EngineStatistics> _statistics;
    private readonly TagList _tags;
    private readonly TagList _promptRows;
    private readonly TagList _decodeRows;
    private readonly TagList[] _finished; // [finish reasons]
    private long _listenerFailures;

    /// <param name="name">Tells engines of a process apart.</param>
    /// <param name="statistics">Reads the engine's numbers; any thread.</param>
    public EngineMetrics(string name, Func<EngineStatistics> statistics)
    {
        _statistics = statistics;
        Name = name;
        Model = new("gen_ai.request.model", name);
        KeyValuePair<string, object?>[] common = [new("gen_ai.operation.name", "text_completion"), new("gen_ai.provider.name", "llmserve"), Model];
        _tags = new TagList(common);
        _promptRows = new TagList([Model, new("llmserve.row.type", "prefill")]);
        _decodeRows = new TagList([Model, new("llmserve.row.type", "decode")]);
        _finished = [.. Enum.GetValues<FinishReason>().Select(reason => new TagList([.. common, new("gen_ai.response.finish_reason", NameOf(reason))]))];
    }

    /// <summary>The engine's name.</summary>
    public string Name { get; }

    /// <summary>Its tag.</summary>
    public KeyValuePair<string, object?> Model { get; }

    /// <summary>Its numbers.</summary>
    public EngineStatistics Statistics => _statistics();

    /// <summary>Times that a listener threw.</summary>
    public long ListenerFailures => Interlocked.Read(ref _listenerFailures);

    /// <summary>Lets the engine's numbers be read by whoever looks; the engine is complete.</summary>
    public void Publish() => EngineGauges.Add(this);

    /// <summary>A finish reason as it is reported.</summary>
    public static string NameOf(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.Length => "length",
        FinishReason.Cancelled => "cancelled",
        FinishReason.Aborted => "aborted",
        FinishReason.Displaced => "displaced",
        _ => "error",
    };

    /// <summary>Starts a request's activity, if anybody listens.</summary>
    public Activity? Begin(Sequence sequence)
    {
        try
        {
            return RequestActivity.Start(Name, sequence);
        }
        catch (Exception)
        {
            Interlocked.Increment(ref _listenerFailures);
            return null;
        }
    }

    /// <summary>A request was not taken after all.</summary>
    public void Abandoned(Sequence sequence) => EndActivity(sequence, FinishReason.Aborted);

    /// <summary>A tick is over.</summary>
    /// <param name="seconds">What it took.</param>
    /// <param name="ratio">That over what was predicted; null: nothing was.</param>
    /// <param name="promptRows">Prompt rows.</param>
    /// <param name="decodeRows">Decode rows.</param>
    public void TickEnded(double seconds, double? ratio, int promptRows, int decodeRows)
    {
        Record(Instruments.TickDuration, seconds, in _tags);
        Record(Instruments.TickRows, promptRows, in _promptRows);
        Record(Instruments.TickRows, decodeRows, in _decodeRows);
        if (ratio is { } measured)
        {
            Record(Instruments.TickPredictionRatio, measured, in _tags);
        }
    }

    /// <summary>A sequence has sent an update.</summary>
    /// <param name="before">When it sent the one before; 0: there was none.</param>
    /// <param name="now">Now.</param>
    public void Sent(long before, long now)
    {
        if (before != 0)
        {
            Record(Instruments.UpdateInterval, Seconds(before, now), in _tags);
        }
    }

    /// <summary>A request has ended.</summary>
    public void Finished(Sequence sequence, FinishReason reason)
    {
        long now = Stopwatch.GetTimestamp();
        ref readonly var tags = ref _finished[(int)reason];
        Count(Instruments.Requests, in tags);
        Record(Instruments.RequestDuration, Seconds(sequence.Record.Submitted, now), in tags);
        if (sequence.Record.Started != 0)
        {
            Record(Instruments.QueueDuration, Seconds(sequence.Record.Submitted, sequence.Record.Started), in _tags);
        }

        if (sequence.Record.FirstToken != 0)
        {
            Record(Instruments.TimeToFirstToken, Seconds(sequence.Record.Submitted, sequence.Record.FirstToken), in _tags);
            int further = sequence.Tokens.AnswerLength - 1;
            if (further > 0)
            {
                Record(Instruments.TimePerOutputToken, Seconds(sequence.Record.FirstToken, now) / further, in _tags);
            }
        }

        EndActivity(sequence, reason);
    }

    /// <summary>The engine is gone.</summary>
    public void Dispose() => EngineGauges.Remove(this);

    private static double Seconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds;

    private void EndActivity(Sequence sequence, FinishReason reason)
    {
        try
        {
            RequestActivity.End(sequence, reason);
        }
        catch (Exception)
        {
            Interlocked.Increment(ref _listenerFailures);
        }
    }

    private void Record<T>(Histogram<T> instrument, T value, in TagList tags)
        where T : struct
    {
        try
        {
            instrument.Record(value, in tags);
        }
        catch (Exception)
        {
            Interlocked.Increment(ref _listenerFailures);
        }
    }

    private void Count(Counter<long> instrument, in TagList tags)
    {
        try
        {
            instrument.Add(1, in tags);
        }
        catch (Exception)
        {
            Interlocked.Increment(ref _listenerFailures);
        }
    }
}
