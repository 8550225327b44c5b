using LlmServe.Engine;
using LlmServe.Testing.Fakes;

namespace LlmServe.Serving.Tests;

/// <summary>From a call to its end, without a transport.</summary>
public sealed class GenerationTests
{
    [Fact]
    public async Task StartAsync_OfText_GivesUpdatesToTheEnd()
    {
        await using var test = new TestCore();
        var call = test.Call(isStream: true);
        int tokens = 0;
        var failure = await test.Core.Calls.RunAsync(call, async inner =>
        {
            using var generation = await test.Core.Generations.StartAsync(inner, test.Input("Once upon"));
            while (await generation!.NextAsync() is { } update)
            {
                tokens += update.Tokens.Count;
            }
        });

        Assert.Null(failure);
        Assert.Equal(5, tokens);
        Assert.Equal(0, test.Core.RunningCalls);
    }

    [Fact]
    public async Task StartAsync_WithFullQueue_IsRefusedBeforeItsTextIsRead()
    {
        await using var test = new TestCore(
            executor: new FakeExecutorOptions { Gated = true }, engine: new EngineOptions { MaxSequences = 1, MaxQueue = 0 });
        var running = RunAsync(test, test.Call("a"), "x");
        await test.Executor.Gate.WhenHeldAsync().WaitAsync(TestCore.Patience);

        // The worker is held too, so whoever waited for it would wait for ever.
        using var hold = new ManualResetEventSlim();
        var held = test.Core.Texts.WorkAsync(test.Call("b"), () => hold.Wait(TestCore.Patience) ? "" : null!).AsTask();
        var refused = await RunAsync(test, test.Call("a"), new string('x', 100_000)).WaitAsync(TestCore.Patience);
        Assert.Equal(FailureKind.Exhausted, refused!.Kind);
        Assert.Contains("the queue is full", refused.Message, StringComparison.Ordinal);
        hold.Set();
        await held;
        test.Executor.Gate.Open();
        Assert.Null(await running.WaitAsync(TestCore.Patience));
    }

    [Fact]
    public async Task StartAsync_OfNewcomer_DisplacesTheGreediestWhileItsTextWaits()
    {
        await using var test = new TestCore(
            executor: new FakeExecutorOptions { Gated = true }, engine: new EngineOptions { MaxSequences = 1, MaxQueue = 3 });
        var running = RunAsync(test, test.Call("greedy"), "x");
        await test.Executor.Gate.WhenHeldAsync().WaitAsync(TestCore.Patience);
        using var hold = new ManualResetEventSlim();
        var held = test.Core.Texts.WorkAsync(test.Call("other"), () => hold.Wait(TestCore.Patience) ? "" : null!).AsTask();
        var greedy = Enumerable.Range(0, 3).Select(_ => RunAsync(test, test.Call("greedy"), "more")).ToList();
        var modest = RunAsync(test, test.Call("modest"), "please");

        var displaced = await (await Task.WhenAny(greedy).WaitAsync(TestCore.Patience));
        Assert.Equal(FailureKind.Exhausted, displaced!.Kind);
        Assert.Contains("client greedy holds", displaced.Message, StringComparison.Ordinal);
        hold.Set();
        await held;
        test.Executor.Gate.Open();
        Assert.Null(await modest.WaitAsync(TestCore.Patience));
        Assert.Null(await running.WaitAsync(TestCore.Patience));
        Assert.Equal(2, (await Task.WhenAll(greedy).WaitAsync(TestCore.Patience)).Count(failure => failure is null));
        Assert.Equal((0, 0), (test.Engine.Statistics.Running, test.Engine.Statistics.Waiting));
    }

    [Fact]
    public async Task StartAsync_OfTextMuchTooLong_IsRefusedWithoutTokenizingAllOfIt()
    {
        await using var test = new TestCore(executor: new FakeExecutorOptions { ContextLength = 512 });
        var failure = await RunAsync(test, test.Call(), new string('z', 1_000_000));
        Assert.Equal(FailureKind.Invalid, failure!.Kind);
        Assert.Equal("text", failure.Field);
        Assert.Contains("has 1000000 characters and more than 16384 tokens; at most 512 are of use here", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_OfCallThatIsGivenUp_FreesItsPlaceWhereverItIs()
    {
        await using var test = new TestCore(executor: new FakeExecutorOptions { Gated = true, ContextLength = 4096 }, engine: new EngineOptions { MaxSequences = 2 });
        using var cancel = new CancellationTokenSource();
        var calls = Enumerable.Range(0, 20).Select(i => RunAsync(test, test.Call($"client {i % 3}", cancel.Token), $"text {i}", maxTokens: 1000)).ToList();
        await test.Executor.Gate.WhenHeldAsync().WaitAsync(TestCore.Patience);
        await cancel.CancelAsync();
        test.Executor.Gate.Open();
        foreach (var failure in await Task.WhenAll(calls).WaitAsync(TestCore.Patience))
        {
            Assert.Equal(Failure.Cancelled, failure);
        }

        Assert.Equal(0, test.Core.RunningCalls);
        Assert.Equal((0, 0), (test.Engine.Statistics.Running, test.Engine.Statistics.Waiting));
    }

    [Fact]
    public async Task Completion_OfFailedEngine_ClosesHealthThoughNobodyAsks()
    {
        await using var test = new TestCore(executor: new FakeExecutorOptions { ThrowAtTick = 1 });
        test.Core.Health.Open();
        var closed = new TaskCompletionSource();
        test.Core.Health.Watch(serving =>
        {
            if (!serving)
            {
                closed.TrySetResult();
            }
        });
        using var cancel = new CancellationTokenSource();
        var call = RunAsync(test, test.Call(aborted: cancel.Token), "x");
        await cancel.CancelAsync();
        await call.WaitAsync(TestCore.Patience);

        // Cancelled in time the request never came to its tick; the next one does.
        await RunAsync(test, test.Call(), "x").WaitAsync(TestCore.Patience);
        await closed.Task.WaitAsync(TestCore.Patience);
        Assert.False(test.Core.Health.IsServing);
    }

    private static async Task<Failure?> RunAsync(TestCore test, ServedCall call, string text, int maxTokens = 5) =>
        await test.Core.Calls.RunAsync(call, async inner =>
        {
            using var generation = await test.Core.Generations.StartAsync(inner, test.Input(text, maxTokens));
            while (generation is not null && await generation.NextAsync() is not null)
            {
            }
        });
}
