using System.Diagnostics;
using System.Diagnostics.Metrics;
using LlmServe.Engine.Telemetry;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>What listeners of the meter and of the activities get.</summary>
public class TelemetryTests
{
    [Fact]
    public void Step_SteadyDecodingWithAListener_AllocatesNothing() => Assert.Equal(0, Allocations.Least(() =>
    {
        using var listener = new Listening("steady");
        using var reporting = new EngineMetrics("steady", () => default);
        var rig = new LoopRig(new FakeExecutorOptions { ContextLength = 512 }, new EngineOptions { StreamCapacity = 1000 }, reporting);
        rig.Executor.Costs.Measure();
        for (int i = 0; i < 6; i++)
        {
            rig.Add(EngineTest.RandomPrompt(new Random(i), 30), 300);
        }

        long allocated = 0;
        for (int tick = 0; tick < 80; tick++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            rig.Loop.Prepare();
            rig.Loop.Run();
            rig.Loop.Choose();
            reporting.Sent(1000, 2000);
            allocated += tick >= 20 ? GC.GetAllocatedBytesForCurrentThread() - before : 0;
            rig.Loop.Send();
        }

        Assert.Equal(80, listener.Of("llmserve.tick.duration").Count);
        Assert.Equal(80, listener.Of("llmserve.tick.prediction_ratio").Count);
        return allocated;
    }));

    [Fact]
    public async Task Submit_SeveralRequests_AreCountedAndTimed()
    {
        using var listener = new Listening("counted");
        using var other = new Listening("another");
        await using var engine = EngineTest.Start(new FakeExecutor(), new EngineOptions { Name = "counted", MeasureFirst = true });
        await using var idle = EngineTest.Start(new FakeExecutor(), new EngineOptions { Name = "another" });
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        for (int i = 0; i < 3; i++)
        {
            await EngineTest.Collect(engine.Submit(EngineTest.Request("hello", 5) with { IgnoreEndOfGeneration = true }, CancellationToken.None));
        }

        await EngineTest.Collect(engine.Submit(EngineTest.Request("hello", 5), cancelled.Token));
        listener.Observe();
        other.Observe();

        Assert.Equal(["cancelled", "length", "length", "length"], listener.TagsOf("llmserve.requests", "gen_ai.response.finish_reason").Order());
        Assert.Equal(4, listener.Of("gen_ai.server.request.duration").Count);
        Assert.Equal(3, listener.Of("gen_ai.server.time_to_first_token").Count);
        Assert.Equal(3, listener.Of("gen_ai.server.time_per_output_token").Count);
        Assert.Equal(3 * 4, listener.Of("llmserve.update.interval").Count);
        Assert.Equal(engine.Statistics.Ticks, listener.Of("llmserve.ticks").Sum());
        Assert.Equal(engine.Statistics.PromptRows, listener.Of("llmserve.tokens.prefill").Sum());
        Assert.Equal(engine.Statistics.KvBlocks, listener.Of("llmserve.kv.blocks").Sum());
        Assert.Equal(["cached", "free", "used"], listener.TagsOf("llmserve.kv.blocks", "llmserve.kv.state").Order());
        Assert.Equal([0], other.Of("llmserve.ticks"));
        Assert.Empty(other.Of("llmserve.requests"));
    }

    [Fact]
    public async Task DisposeAsync_Engine_IsNoLongerObserved()
    {
        using var listener = new Listening("gone");
        var engine = EngineTest.Start(new FakeExecutor(), new EngineOptions { Name = "gone" });
        await engine.DisposeAsync();
        listener.Observe();
        Assert.Empty(listener.Of("llmserve.ticks"));
    }

    [Fact]
    public async Task Submit_WithActivityListener_TracesTheRequestBelowItsCaller()
    {
        var stopped = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is EngineTelemetry.ActivitySourceName or "caller",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                lock (stopped)
                {
                    stopped.Add(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource("caller");
        await using var engine = EngineTest.Start(new FakeExecutor(), new EngineOptions { Name = "traced" });
        using var caller = source.StartActivity("call")!;
        var request = EngineTest.Request("hello", 5) with { IgnoreEndOfGeneration = true, Client = "me" };

        var stream = engine.Submit(request, CancellationToken.None);
        Assert.Same(caller, Activity.Current);
        await EngineTest.Collect(stream);

        Activity activity;
        lock (stopped)
        {
            activity = Assert.Single(stopped, candidate => candidate.DisplayName == "text_completion traced");
        }

        Assert.Equal(caller.SpanId, activity.ParentSpanId);
        Assert.Equal(["prefill", "decode"], activity.Events.Select(item => item.Name));
        Assert.Equal(5, activity.GetTagItem("gen_ai.usage.output_tokens"));
        Assert.Equal("me", activity.GetTagItem("llmserve.client"));
        Assert.Equal(new[] { "length" }, activity.GetTagItem("gen_ai.response.finish_reasons"));
    }

    /// <summary>Listens to one engine's measurements, without allocating while they come.</summary>
    private sealed class Listening : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly string _engine;
        private readonly List<(Instrument Instrument, double Value, string? Tag)> _values = new(4096);

        public Listening(string engine)
        {
            _engine = engine;
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == EngineTelemetry.MeterName)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
            _listener.Start();
        }

        public void Observe() => _listener.RecordObservableInstruments();

        public List<double> Of(string name)
        {
            lock (_values)
            {
                return [.. _values.Where(value => value.Instrument.Name == name).Select(value => value.Value)];
            }
        }

        public List<string?> TagsOf(string name, string key)
        {
            Assert.Contains(key, new[] { "gen_ai.response.finish_reason", "llmserve.kv.state" });
            lock (_values)
            {
                return [.. _values.Where(value => value.Instrument.Name == name).Select(value => value.Tag)];
            }
        }

        public void Dispose() => _listener.Dispose();

        private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string? tag = null;
            bool own = false;
            foreach (var (key, text) in tags)
            {
                own |= key == "gen_ai.request.model" && (string?)text == _engine;
                tag = key is "gen_ai.response.finish_reason" or "llmserve.kv.state" ? (string?)text : tag;
            }

            if (own)
            {
                lock (_values)
                {
                    _values.Add((instrument, value, tag));
                }
            }
        }
    }
}
