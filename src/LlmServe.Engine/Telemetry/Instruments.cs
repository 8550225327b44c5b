using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace LlmServe.Engine.Telemetry;

/// <summary>
/// The instruments that an engine writes to as things happen. Names follow OpenTelemetry's conventions for generative models where those have one
/// (<c>gen_ai.server.*</c>), and its rules for names and units elsewhere.
/// </summary>
internal static class Instruments
{
    private static readonly double[] TickBounds = [0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.5, 1, 2];
    private static readonly double[] RatioBounds = [0.5, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.3, 1.5, 2, 3, 5, 10];
    private static readonly double[] RowBounds = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

    // Of the conventions for gen_ai.server.*.
    private static readonly double[] RequestBounds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
    private static readonly double[] FirstTokenBounds =
        [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    private static readonly double[] TokenBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];

    public static readonly Meter Meter = new(EngineTelemetry.MeterName);
    public static readonly ActivitySource Activities = new(EngineTelemetry.ActivitySourceName);

    public static readonly Histogram<double> TickDuration = Seconds("llmserve.tick.duration", "Time of a tick.", TickBounds);

    public static readonly Histogram<double> TickPredictionRatio = Meter.CreateHistogram(
        "llmserve.tick.prediction_ratio", "1", "Measured over predicted time of a tick.", null, Advice(RatioBounds));

    public static readonly Histogram<long> TickRows = Meter.CreateHistogram(
        "llmserve.tick.rows", "{row}", "Rows of a tick.", null, new InstrumentAdvice<long> { HistogramBucketBoundaries = [.. RowBounds.Select(row => (long)row)] });

    public static readonly Histogram<double> UpdateInterval = Seconds(
        "llmserve.update.interval", "Time between updates of a stream, each a token or more.", TokenBounds);

    public static readonly Histogram<double> QueueDuration = Seconds("llmserve.request.queue.duration", "Time until a request's first row runs.", RequestBounds);

    public static readonly Histogram<double> RequestDuration = Seconds("gen_ai.server.request.duration", "Time of a whole request.", RequestBounds);

    public static readonly Histogram<double> TimeToFirstToken = Seconds(
        "gen_ai.server.time_to_first_token", "Time until a request's first token.", FirstTokenBounds);

    public static readonly Histogram<double> TimePerOutputToken = Seconds(
        "gen_ai.server.time_per_output_token", "Mean time per token of a request after its first.", TokenBounds);

    public static readonly Counter<long> Requests = Meter.CreateCounter<long>("llmserve.requests", "{request}", "Requests that ended.");

    private static Histogram<double> Seconds(string name, string description, double[] boundaries) =>
        Meter.CreateHistogram(name, "s", description, null, Advice(boundaries));

    private static InstrumentAdvice<double> Advice(double[] boundaries) => new() { HistogramBucketBoundaries = boundaries };
}
