using System.Collections.Immutable;
using System.Diagnostics.Metrics;

namespace LlmServe.Engine.Telemetry;

/// <summary>
/// The instruments that are read when somebody looks: every running engine tells its <see cref="EngineStatistics"/>, with its own tag. They cost a tick
/// nothing.
/// </summary>
internal static class EngineGauges
{
    private static readonly KeyValuePair<string, object?> Used = new("llmserve.kv.state", "used");
    private static readonly KeyValuePair<string, object?> Cached = new("llmserve.kv.state", "cached");
    private static readonly KeyValuePair<string, object?> Free = new("llmserve.kv.state", "free");
    private static readonly KeyValuePair<string, object?> Lookup = new("llmserve.guess.source", "lookup");
    private static readonly KeyValuePair<string, object?> Draft = new("llmserve.guess.source", "draft");
    private static ImmutableList<EngineMetrics> _engines = [];

    static EngineGauges()
    {
        Gauge("llmserve.requests.running", "{request}", "Requests that hold a slot.", s => s.Running);
        Gauge("llmserve.requests.waiting", "{request}", "Requests that wait for a slot, preempted ones among them.", s => s.Waiting);
        Gauge("llmserve.requests.paused", "{request}", "Requests whose client does not read.", s => s.Paused);
        Instruments.Meter.CreateObservableUpDownCounter("llmserve.kv.blocks", ObserveBlocks, "{block}", "KV blocks by state; their sum is what exists.");
        Counter("llmserve.ticks", "{tick}", "Ticks.", s => s.Ticks);
        Counter("llmserve.tokens.prefill", "{token}", "Prompt rows computed, recomputed ones included.", s => s.PromptRows);
        Counter("llmserve.tokens.decode", "{token}", "Decode rows computed, those of guesses included.", s => s.DecodeRows);
        Counter("llmserve.tokens.cached", "{token}", "Prompt tokens found in the prefix cache.", s => s.CachedPromptTokens);
        Instruments.Meter.CreateObservableCounter(
            "llmserve.tokens.guessed", () => ObserveGuesses(s => s.LookupDrafts, s => s.ModelDrafts), "{token}", "Tokens guessed ahead.");
        Instruments.Meter.CreateObservableCounter(
            "llmserve.tokens.accepted", () => ObserveGuesses(s => s.LookupAccepted, s => s.ModelAccepted), "{token}", "Guessed tokens that turned out right.");
        Counter("llmserve.preemptions", "{preemption}", "Sequences that lost their KV blocks to others.", s => s.Preemptions);
    }

    /// <summary>Starts to tell of an engine.</summary>
    public static void Add(EngineMetrics engine) => ImmutableInterlocked.Update(ref _engines, engines => engines.Add(engine));

    /// <summary>Tells no more of it.</summary>
    public static void Remove(EngineMetrics engine) => ImmutableInterlocked.Update(ref _engines, engines => engines.Remove(engine));

    private static void Gauge(string name, string unit, string description, Func<EngineStatistics, long> value) =>
        Instruments.Meter.CreateObservableUpDownCounter(name, () => Observe(value), unit, description);

    private static void Counter(string name, string unit, string description, Func<EngineStatistics, long> value) =>
        Instruments.Meter.CreateObservableCounter(name, () => Observe(value), unit, description);

    private static IEnumerable<Measurement<long>> Observe(Func<EngineStatistics, long> value) =>
        _engines.Select(engine => new Measurement<long>(value(engine.Statistics), engine.Model));

    private static IEnumerable<Measurement<long>> ObserveGuesses(Func<SpeculationStatistics, long> lookup, Func<SpeculationStatistics, long> draft)
    {
        foreach (var engine in _engines)
        {
            var speculation = engine.Statistics.Speculation;
            yield return new Measurement<long>(lookup(speculation), engine.Model, Lookup);
            yield return new Measurement<long>(draft(speculation), engine.Model, Draft);
        }
    }

    private static IEnumerable<Measurement<long>> ObserveBlocks()
    {
        foreach (var engine in _engines)
        {
            var statistics = engine.Statistics;
            yield return new Measurement<long>(statistics.KvBlocks - statistics.FreeKvBlocks, engine.Model, Used);
            yield return new Measurement<long>(statistics.CachedKvBlocks, engine.Model, Cached);
            yield return new Measurement<long>(statistics.FreeKvBlocks - statistics.CachedKvBlocks, engine.Model, Free);
        }
    }
}
