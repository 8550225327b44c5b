using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using FsCheck;
using FsCheck.Fluent;
using LlmServe.Engine.Telemetry;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>Whatever throws, wherever the engine calls out: every accepted request ends once, and every place, slot and block comes back.</summary>
public class FaultTests
{
    private const int KvBlocks = 24;

    /// <summary>What may throw.</summary>
    public enum CallOut
    {
        Nothing,
        Tokenizer,
        Meter,
        ActivityStart,
        ActivityEnd,
        Tick,
        Logits,
        Prediction,
        DraftTick,
        DraftTold,
        Disposal,
    }

    [Fact]
    public void AnyCallOut_ThrowsAtAnyTime_EveryRequestEndsOnceAndEverythingComesBack() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(150).WithReplay(1907, 2027), Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue - 1)), Survives));

    [Fact]
    public async Task Completion_EngineFailsWithNobodyLeft_SaysSoAtOnce()
    {
        var executor = new FakeExecutor(new FakeExecutorOptions { ThrowAtTick = 2, Gated = true });
        await using var engine = EngineTest.Start(executor);
        using var cancellation = new CancellationTokenSource();
        _ = engine.Submit(EngineTest.Request("Hello") with { IgnoreEndOfGeneration = true }, cancellation.Token);
        await executor.Gate.WhenHeldAsync();
        await cancellation.CancelAsync();
        Assert.False(engine.Completion.IsCompleted);
        executor.Gate.Open();
        _ = engine.Submit(EngineTest.Request("Hello") with { IgnoreEndOfGeneration = true }, CancellationToken.None);

        var failure = await Assert.ThrowsAsync<EngineException>(() => engine.Completion.WaitAsync(EngineTest.Patience));

        Assert.Equal(EngineError.Failed, failure.Error);
    }

    [Fact]
    public async Task Completion_Stopped_IsASuccess()
    {
        await using var engine = EngineTest.Start(new FakeExecutor());
        await engine.StopAsync(TimeSpan.Zero).WaitAsync(EngineTest.Patience);
        await engine.Completion.WaitAsync(EngineTest.Patience);
    }

    [Fact]
    public async Task Tokenizer_ThrowsForOneRequest_EndsThatOneAlone()
    {
        int calls = 0;
        var tokenizer = new FaultyTokenizer(EngineTest.Tokenizer, () => Fail.At(ref calls, 5));
        var executor = new FakeExecutor(new FakeExecutorOptions { Gated = true });
        await using var engine = new LlmEngine(executor, tokenizer, new EngineOptions());
        var request = EngineTest.Request("Hello", maxTokens: 20) with { IgnoreEndOfGeneration = true };
        var first = engine.Submit(request, CancellationToken.None);
        var second = engine.Submit(request, CancellationToken.None);
        executor.Gate.Open();

        var failures = new List<EngineException>();
        foreach (var reader in new[] { first, second })
        {
            if (await Ending.Of(reader) is { Failure: EngineException failure })
            {
                failures.Add(failure);
            }
        }

        Assert.Equal(EngineError.RequestFailed, Assert.Single(failures).Error);
        Assert.Equal(20, (await EngineTest.Collect(engine.Submit(request, CancellationToken.None))).Tokens.Length);
        Assert.Equal((0, 0, engine.Statistics.KvBlocks), (engine.Statistics.Running, engine.Statistics.Waiting, engine.Statistics.FreeKvBlocks));
    }

    [Fact]
    public async Task Listener_ThrowsAlways_IsCountedAndChangesNothing()
    {
        var expected = await EngineTest.Alone(EngineTest.Request("Hello", maxTokens: 20));
        using var listener = ThrowingMeter("always", () => throw new InvalidOperationException("a listener's fault"));
        await using var engine = EngineTest.Start(new FakeExecutor(), new EngineOptions { Name = "always" });

        var answer = await EngineTest.Collect(engine.Submit(EngineTest.Request("Hello", maxTokens: 20), CancellationToken.None));

        Assert.Equal(expected.Tokens, answer.Tokens);
        Assert.True(engine.Statistics.ListenerFailures > 20);
    }

    private static bool Survives(int seed)
    {
        var random = new Random(seed);
        var callOut = (CallOut)random.Next(Enum.GetValues<CallOut>().Length);
        Task.Run(() => SurvivesAsync(random, callOut, $"fault {seed}")).WaitAsync(EngineTest.Patience).GetAwaiter().GetResult();
        return true;
    }

    private static async Task SurvivesAsync(Random random, CallOut callOut, string name)
    {
        int calls = 0;
        int at = random.Next(1, 60);
        Action When(CallOut which) => which == callOut ? () => Fail.At(ref calls, at) : () => { };
        using var meter = ThrowingMeter(name, When(CallOut.Meter));
        using var activities = ThrowingActivities(name, When(CallOut.ActivityStart), When(CallOut.ActivityEnd));
        var onTick = When(CallOut.Tick);
        var onPrediction = When(CallOut.Prediction);
        var executor = new FakeExecutor(new FakeExecutorOptions
        {
            KvBlocks = KvBlocks, MaxSequences = 4, ContextLength = 128, OnTick = _ => onTick(), OnLogits = When(CallOut.Logits),
            Next = PromptLookupTests.Repetitive, Predict = (rows, _, _) => Predicted(onPrediction, rows),
            OnDispose = callOut == CallOut.Disposal ? () => throw new InvalidOperationException("told to fail when disposed") : null,
        });
        var options = new EngineOptions { Name = name, MaxQueue = 6, StreamCapacity = 4, MeasureFirst = random.Next(2) == 0 && callOut != CallOut.Prediction };
        var tokenizer = new FaultyTokenizer(EngineTest.Tokenizer, When(CallOut.Tokenizer));
        var engine = new LlmEngine(executor, tokenizer, options, random.Next(2) == 0 ? Draft(callOut, When(CallOut.DraftTick)) : null);
        var endings = new List<Task<Ending>>();
        for (int i = random.Next(1, 25); i > 0; i--)
        {
            if (TryAsk(engine, random) is { } ending)
            {
                endings.Add(ending);
            }

            for (int pause = random.Next(3); pause > 0; pause--)
            {
                await Task.Yield();
            }
        }

        bool early = random.Next(4) == 0;
        if (!early)
        {
            await Task.WhenAll(endings);
            Assert.Equal((0, 0), (engine.Statistics.Running, engine.Statistics.Waiting));
            Assert.True(engine.Completion.IsFaulted || engine.Statistics.FreeKvBlocks == KvBlocks, "a block was lost");
            await engine.StopAsync(Timeout.InfiniteTimeSpan);
        }

        Exception? disposal = await Record.ExceptionAsync(async () => await engine.DisposeAsync());
        Assert.Equal(callOut == CallOut.Disposal, disposal is not null);
        Assert.True(executor.IsDisposed);
        Assert.All(await Task.WhenAll(endings), ending => Assert.Equal(1, ending.Count));
        Assert.Equal((0, 0), (engine.Statistics.Running, engine.Statistics.Waiting));
        Assert.True(engine.Completion.IsCompleted);
    }

    private static DraftModel Draft(CallOut callOut, Action onTick) =>
        new(new FakeExecutor(new FakeExecutorOptions { MaxSequences = 4, OnTick = _ => onTick(), ThrowAtTick = callOut == CallOut.DraftTold ? 3 : 0 }), EngineTest.Tokenizer)
        {
            OnFailure = _ => throw new InvalidOperationException("told to fail when told"),
        };

    private static double Predicted(Action onPrediction, int rows)
    {
        onPrediction();
        return rows * 0.001;
    }

    /// <summary>Submits a request in one of the ways there are, perhaps one that is wrong or gives up. Null: it was not accepted.</summary>
    private static Task<Ending>? TryAsk(LlmEngine engine, Random random)
    {
        var cancellation = new CancellationTokenSource();
        var request = new GenerationRequest
        {
            Prompt = random.Next(12) == 0 ? new ThrowingList() : EngineTest.RandomPrompt(random, random.Next(1, 60)),
            MaxTokens = random.Next(1, 40),
            Client = $"client {random.Next(3)}",
            Priority = random.Next(12) == 0 ? 11 : random.Next(3),
            LogProbabilities = random.Next(3) == 0 ? 2 : null,
        };
        int cancelAfter = random.Next(3) == 0 ? random.Next(12) : int.MaxValue;
        if (cancelAfter == 0)
        {
            cancellation.Cancel();
        }

        try
        {
            return Ending.Of(random.Next(2) == 0 ? engine.Submit(request, cancellation.Token) : Reserved(engine, request, random, cancellation.Token), cancelAfter, cancellation);
        }
        catch (Exception error) when (error is EngineException or NotSupportedException)
        {
            return null;
        }
    }

    private static ChannelReader<GenerationUpdate> Reserved(LlmEngine engine, GenerationRequest request, Random random, CancellationToken cancellation)
    {
        using var ticket = engine.Reserve(request.Client, request.Priority);
        return random.Next(5) == 0 ? throw new NotSupportedException("could not be prepared") : ticket.Submit(request, cancellation);
    }

    private static MeterListener ThrowingMeter(string engine, Action onMeasurement)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == EngineTelemetry.MeterName && !instrument.IsObservable)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) => Take(tags));
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => Take(tags));
        listener.Start();
        return listener;

        void Take(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (var (key, value) in tags)
            {
                if (key == "gen_ai.request.model" && (string?)value == engine)
                {
                    onMeasurement();
                }
            }
        }
    }

    private static ActivityListener ThrowingActivities(string engine, Action onStart, Action onEnd)
    {
        string own = $"text_completion {engine}";
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == EngineTelemetry.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> options) => options.Name == own ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
            ActivityStarted = activity => Own(activity, onStart),
            ActivityStopped = activity => Own(activity, onEnd),
        };
        ActivitySource.AddActivityListener(listener);
        return listener;

        void Own(Activity activity, Action then)
        {
            if (activity.DisplayName == own)
            {
                then();
            }
        }
    }

    /// <summary>Throws at one of many calls.</summary>
    private static class Fail
    {
        public static void At(ref int calls, int at)
        {
            if (Interlocked.Increment(ref calls) == at)
            {
                throw new InvalidOperationException($"told to fail at call {at}");
            }
        }
    }

    /// <summary>How a stream ended.</summary>
    /// <param name="Count">Last updates, and failures, that it had.</param>
    /// <param name="Failure">What it failed with.</param>
    private sealed record Ending(int Count, Exception? Failure)
    {
        public static async Task<Ending> Of(ChannelReader<GenerationUpdate> reader, int cancelAfter = int.MaxValue, CancellationTokenSource? cancellation = null)
        {
            int count = 0;
            int updates = 0;
            try
            {
                await foreach (var update in reader.ReadAllAsync())
                {
                    count += update.FinishReason == FinishReason.None ? 0 : 1;
                    if (++updates == cancelAfter)
                    {
                        await cancellation!.CancelAsync();
                    }
                }

                return new Ending(count, null);
            }
            catch (EngineException failure)
            {
                return new Ending(count + 1, failure);
            }
        }
    }

    /// <summary>A prompt that cannot be read to its end.</summary>
    private sealed class ThrowingList : IReadOnlyList<int>
    {
        public int Count => 3;

        public int this[int index] => throw new NotSupportedException("told to fail");

        public IEnumerator<int> GetEnumerator() => throw new NotSupportedException("told to fail");

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
