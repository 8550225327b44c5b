using LlmServe.Compiler;
using LlmServe.Execution;

namespace LlmServe.Cli.Bench;

/// <summary>What a <see cref="BenchRunner"/> measured.</summary>
internal sealed record BenchFigures(
    Series Bandwidth, IReadOnlyList<PrefillResult> Prefill, IReadOnlyList<DecodeResult> Decode, IReadOnlyList<BucketResult> Buckets,
    StreamsResult? Streams, long AllocatedBytes);

/// <summary>
/// Measures a compiled model in rounds: every round takes the read bandwidth and each point of the plan once, so that all figures of a machine whose
/// speed drifts drift alike.
/// </summary>
internal sealed class BenchRunner
{
    private readonly IProgramExecutor _executor;
    private readonly BenchPlan _plan;
    private readonly ReadBandwidth _bandwidth;
    private readonly TickDriver _driver;
    private readonly Series _rates = new();
    private readonly PrefillResult[] _prefill;
    private readonly DecodeResult[] _decode;
    private readonly BucketResult[] _buckets;
    private readonly StreamsResult? _streams;
    private long _allocated;

    /// <param name="executor">The compiled model.</param>
    /// <param name="plan">What fits into its context (<see cref="BenchPlan.Within"/>).</param>
    /// <param name="bandwidth">Measured in every round.</param>
    public BenchRunner(IProgramExecutor executor, BenchPlan plan, ReadBandwidth bandwidth)
    {
        _executor = executor;
        _plan = plan;
        _bandwidth = bandwidth;
        executor.Costs.Measure();
        _driver = new TickDriver(executor, plan.Positions, plan.Sequences, plan.Generate);
        _prefill = [.. plan.Prompts.Order().Select(prompt => new PrefillResult(prompt, _driver.PredictPrefill(prompt)))];
        _decode = [.. plan.Contexts.Order().Select(context => new DecodeResult(context, executor.Costs.Seconds(1, 1, context + (plan.Generate / 2))))];
        _buckets = [.. ModelCompiler.Buckets(Math.Min(executor.Rows.Capacity, plan.Positions)).Select(rows =>
            new BucketResult(rows, executor.Costs.Seconds(rows, 1, rows / 2)))];
        _streams = plan.Streams > 0 ? new StreamsResult(plan.Streams) : null;
    }

    /// <summary>Measures. Takes a warm-up round and as many rounds as the plan says.</summary>
    public BenchFigures Measure(CancellationToken cancellation)
    {
        _driver.Prefill(_plan.Positions, allLogits: false);
        for (int round = 0; round <= _plan.Runs; round++)
        {
            Round(counts: round > 0, cancellation);
        }

        return new BenchFigures(_rates, _prefill, _decode, _buckets, _streams, _allocated);
    }

    private void Round(bool counts, CancellationToken cancellation)
    {
        void Keep(Series series, double value)
        {
            if (counts)
            {
                series.Add(value);
            }
        }

        Keep(_rates, _bandwidth.Measure());
        foreach (var point in _prefill)
        {
            cancellation.ThrowIfCancellationRequested();
            Keep(point.Rates, point.Tokens / _driver.Prefill(point.Tokens, allLogits: false));
        }

        foreach (var point in _decode)
        {
            cancellation.ThrowIfCancellationRequested();
            Decode(point, Keep);
        }

        foreach (var point in _buckets)
        {
            cancellation.ThrowIfCancellationRequested();
            Keep(point.Ticks, _driver.Bucket(point.Rows));
        }

        if (_streams is not null)
        {
            cancellation.ThrowIfCancellationRequested();
            Together(_streams, Keep);
        }
    }

    private void Decode(DecodeResult point, Action<Series, double> keep)
    {
        double[] ticks = new double[_plan.Generate];
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int i = 0; i < ticks.Length; i++)
        {
            ticks[i] = _driver.Decode(point.Context + i);
        }

        long after = GC.GetTotalAllocatedBytes(precise: true);
        keep(point.Rates, ticks.Length / ticks.Sum());
        if (point.Rates.Values.Count > 0)
        {
            _allocated += after - before;
        }

        foreach (double tick in ticks)
        {
            keep(point.Ticks, tick);
        }
    }

    private void Together(StreamsResult streams, Action<Series, double> keep)
    {
        int prompt = Math.Min(_plan.Positions, 2 * _executor.Rows.Capacity);
        keep(streams.PromptRates, prompt / _driver.Prefill(prompt, allLogits: true));
        double seconds = 0;
        for (int i = 0; i < _plan.Generate; i++)
        {
            seconds += _driver.DecodeTogether(i, streams.Streams);
        }

        keep(streams.Rates, streams.Streams * _plan.Generate / seconds);
    }
}
