using System.Diagnostics;
using LlmServe.Engine.Scheduling;

namespace LlmServe.Engine.Telemetry;

/// <summary>What one engine reports. The members that a tick calls allocate nothing, listened to or not.</summary>
internal sealed class EngineMetrics : IDisposable
{
    private readonly Func<EngineStatistics> _statistics;
    private readonly TagList _tags;
    private readonly TagList _promptRows;
    private readonly TagList _decodeRows;
    private readonly TagList[] _finished; // [finish reasons]

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
        EngineGauges.Add(this);
    }

    /// <summary>The engine's name.</summary>
    public string Name { get; }

    /// <summary>Its tag.</summary>
    public KeyValuePair<string, object?> Model { get; }

    /// <summary>Its numbers.</summary>
    public EngineStatistics Statistics => _statistics();

    /// <summary>A finish reason as it is reported.</summary>
    public static string NameOf(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.Length => "length",
        FinishReason.Cancelled => "cancelled",
        FinishReason.Aborted => "aborted",
        _ => "error",
    };

    /// <summary>A tick is over.</summary>
    /// <param name="seconds">What it took.</param>
    /// <param name="ratio">That over what was predicted; null: nothing was.</param>
    /// <param name="promptRows">Prompt rows.</param>
    /// <param name="decodeRows">Decode rows.</param>
    public void TickEnded(double seconds, double? ratio, int promptRows, int decodeRows)
    {
        Instruments.TickDuration.Record(seconds, in _tags);
        Instruments.TickRows.Record(promptRows, in _promptRows);
        Instruments.TickRows.Record(decodeRows, in _decodeRows);
        if (ratio is { } measured)
        {
            Instruments.TickPredictionRatio.Record(measured, in _tags);
        }
    }

    /// <summary>A sequence has sent an update.</summary>
    /// <param name="before">When it sent the one before; 0: there was none.</param>
    /// <param name="now">Now.</param>
    public void Sent(long before, long now)
    {
        if (before != 0)
        {
            Instruments.UpdateInterval.Record(Stopwatch.GetElapsedTime(before, now).TotalSeconds, in _tags);
        }
    }

    /// <summary>A request has ended.</summary>
    public void Finished(Sequence sequence, FinishReason reason)
    {
        long now = Stopwatch.GetTimestamp();
        ref readonly var tags = ref _finished[(int)reason];
        Instruments.Requests.Add(1, in tags);
        Instruments.RequestDuration.Record(Stopwatch.GetElapsedTime(sequence.Submitted, now).TotalSeconds, in tags);
        if (sequence.Started != 0)
        {
            Instruments.QueueDuration.Record(Stopwatch.GetElapsedTime(sequence.Submitted, sequence.Started).TotalSeconds, in _tags);
        }

        if (sequence.FirstToken != 0)
        {
            Instruments.TimeToFirstToken.Record(Stopwatch.GetElapsedTime(sequence.Submitted, sequence.FirstToken).TotalSeconds, in _tags);
            int further = sequence.Length - sequence.PromptLength - 1;
            if (further > 0)
            {
                Instruments.TimePerOutputToken.Record(Stopwatch.GetElapsedTime(sequence.FirstToken, now).TotalSeconds / further, in _tags);
            }
        }

        RequestActivity.End(sequence, reason);
    }

    /// <summary>The engine is gone.</summary>
    public void Dispose() => EngineGauges.Remove(this);
}
