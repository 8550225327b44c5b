using System.Threading.Channels;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>Cancellation, slow readers, a full queue, stopping and failing.</summary>
public class LlmEngineLifetimeTests
{
    private static readonly GenerationRequest Long = EngineTest.Request("Hello") with { IgnoreEndOfGeneration = true };

    [Fact]
    public async Task Cancel_RunningSequence_LeavesTheNextTickAndReturnsItsBlocks()
    {
        var slots = new List<int[]>();
        var executor = new FakeExecutor(new FakeExecutorOptions
        {
            Gated = true, OnTick = rows => slots.Add([.. rows.RowSlots.ToArray().Distinct()]),
        });
        await using var engine = EngineTest.Start(executor, new EngineOptions { StreamCapacity = 1000 });
        using var cancellation = new CancellationTokenSource();
        var cancelled = engine.Submit(Long, cancellation.Token);
        var other = engine.Submit(EngineTest.Request("world", maxTokens: 100) with { IgnoreEndOfGeneration = true }, CancellationToken.None);
        executor.Gate.Allow(5);
        await executor.Gate.WhenHeldAsync();
        Assert.Equal(2, slots[^1].Length);

        await cancellation.CancelAsync();
        executor.Gate.Allow(1); // the tick that was already on its way
        await executor.Gate.WhenHeldAsync();

        Assert.Single(slots[^1]);
        var answer = await EngineTest.Collect(cancelled);
        Assert.Equal(FinishReason.Cancelled, answer.Reason);
        executor.Gate.Open();
        Assert.Equal(FinishReason.Length, (await EngineTest.Collect(other)).Reason);
        Assert.Equal(executor.Memory.KvGroups[0].Blocks, engine.Statistics.FreeKvBlocks);
    }

    [Fact]
    public async Task Cancel_WaitingRequest_EndsItWithoutATick()
    {
        var executor = new FakeExecutor(new FakeExecutorOptions { Gated = true });
        await using var engine = EngineTest.Start(executor, new EngineOptions { MaxSequences = 1 });
        using var cancellation = new CancellationTokenSource();
        var running = engine.Submit(EngineTest.Request("Hello", maxTokens: 3), CancellationToken.None);
        var waiting = engine.Submit(Long, cancellation.Token);
        await executor.Gate.WhenHeldAsync();

        await cancellation.CancelAsync();
        executor.Gate.Open();

        var answer = await EngineTest.Collect(waiting);
        Assert.Equal((FinishReason.Cancelled, 0), (answer.Reason, answer.Tokens.Length));
        await EngineTest.Collect(running);
    }

    [Fact]
    public async Task Submit_CancelledToken_EndsAtOnce()
    {
        await using var engine = EngineTest.Start(new FakeExecutor());
        var answer = await EngineTest.Collect(engine.Submit(Long, new CancellationToken(canceled: true)));
        Assert.Equal((FinishReason.Cancelled, 0), (answer.Reason, answer.Tokens.Length));
    }

    [Fact]
    public async Task SlowReader_PausesOnlyItsOwnSequenceAndGoesOn()
    {
        const int Capacity = 4;
        var expected = await EngineTest.Alone(Long);
        await using var engine = EngineTest.Start(new FakeExecutor(), new EngineOptions { StreamCapacity = Capacity });
        var slow = engine.Submit(Long, CancellationToken.None);

        var fast = await EngineTest.Collect(
            engine.Submit(EngineTest.Request("world", maxTokens: 200) with { IgnoreEndOfGeneration = true }, CancellationToken.None));

        Assert.Equal(200, fast.Tokens.Length);
        Assert.Equal(Capacity, slow.Count);
        Assert.Equal(1, engine.Statistics.Paused);
        Assert.Equal(expected.Tokens, (await EngineTest.Collect(slow)).Tokens);
    }

    [Fact]
    public async Task SlowReader_HoldingTheOnlySlot_DoesNotKeepOthersWaiting()
    {
        var expected = await EngineTest.Alone(Long);
        var executor = new FakeExecutor(new FakeExecutorOptions { KvBlocks = 16 });
        await using var engine = EngineTest.Start(executor, new EngineOptions { StreamCapacity = 3, MaxSequences = 1 });
        var slow = engine.Submit(Long, CancellationToken.None);
        for (int i = 0; i < 3; i++)
        {
            var other = await EngineTest.Collect(
                engine.Submit(EngineTest.Request("world", maxTokens: 90) with { IgnoreEndOfGeneration = true }, CancellationToken.None));
            Assert.Equal(90, other.Tokens.Length);
        }

        Assert.Equal(expected.Tokens, (await EngineTest.Collect(slow)).Tokens);
        Assert.True(engine.Statistics.Preemptions > 0);
        Assert.Equal(16, engine.Statistics.FreeKvBlocks);
    }

    [Fact]
    public async Task SlowReader_Cancelled_StillGetsItsLastUpdate()
    {
        await using var engine = EngineTest.Start(new FakeExecutor(), new EngineOptions { StreamCapacity = 2 });
        using var cancellation = new CancellationTokenSource();
        var slow = engine.Submit(Long, cancellation.Token);
        await EngineTest.Collect(engine.Submit(EngineTest.Request("world", maxTokens: 20), CancellationToken.None));

        await cancellation.CancelAsync();

        var answer = await EngineTest.Collect(slow);
        Assert.Equal((FinishReason.Cancelled, 2), (answer.Reason, answer.Tokens.Length));
    }

    [Fact]
    public async Task Submit_QueueFull_IsRefusedUntilARequestEnds()
    {
        var executor = new FakeExecutor(new FakeExecutorOptions { Gated = true });
        await using var engine = EngineTest.Start(executor, new EngineOptions { MaxSequences = 1, MaxQueue = 2 });
        var request = EngineTest.Request("Hello", maxTokens: 3);
        ChannelReader<GenerationUpdate>[] accepted = [.. Enumerable.Range(0, 3).Select(_ => engine.Submit(request, CancellationToken.None))];

        var failure = Assert.Throws<EngineException>(() => engine.Submit(request, CancellationToken.None));

        Assert.Equal(EngineError.QueueFull, failure.Error);
        executor.Gate.Open();
        foreach (var reader in accepted)
        {
            await EngineTest.Collect(reader);
        }

        await EngineTest.Collect(engine.Submit(request, CancellationToken.None));
    }

    [Fact]
    public async Task StopAsync_WithGrace_LetsAcceptedRequestsFinish()
    {
        var executor = new FakeExecutor(new FakeExecutorOptions { Gated = true });
        await using var engine = EngineTest.Start(executor, new EngineOptions { MaxSequences = 1 });
        var request = EngineTest.Request("Hello", maxTokens: 5) with { IgnoreEndOfGeneration = true };
        var running = engine.Submit(request, CancellationToken.None);
        var waiting = engine.Submit(request, CancellationToken.None);

        var stop = engine.StopAsync(Timeout.InfiniteTimeSpan);

        Assert.Equal(EngineError.Stopping, Assert.Throws<EngineException>(() => engine.Submit(request, CancellationToken.None)).Error);
        executor.Gate.Open();
        await stop.WaitAsync(EngineTest.Patience);
        Assert.Equal(FinishReason.Length, (await EngineTest.Collect(running)).Reason);
        Assert.Equal(FinishReason.Length, (await EngineTest.Collect(waiting)).Reason);
    }

    [Fact]
    public async Task StopAsync_GraceOver_AbortsTheRest()
    {
        await using var engine = EngineTest.Start(new FakeExecutor(), new EngineOptions { StreamCapacity = 2, MaxSequences = 1 });
        var unread = engine.Submit(Long, CancellationToken.None);
        var second = engine.Submit(Long, CancellationToken.None);

        await engine.StopAsync(TimeSpan.FromMilliseconds(1)).WaitAsync(EngineTest.Patience);

        Assert.Equal(FinishReason.Aborted, (await EngineTest.Collect(unread)).Reason);
        Assert.Equal(FinishReason.Aborted, (await EngineTest.Collect(second)).Reason);
        await engine.StopAsync(TimeSpan.Zero).WaitAsync(EngineTest.Patience);
    }

    [Fact]
    public async Task DisposeAsync_Running_AbortsAndDisposesTheExecutor()
    {
        var executor = new FakeExecutor();
        var engine = EngineTest.Start(executor, new EngineOptions { StreamCapacity = 1 });
        var running = engine.Submit(Long, CancellationToken.None);

        await engine.DisposeAsync();
        await engine.DisposeAsync();

        Assert.True(executor.IsDisposed);
        Assert.Equal(FinishReason.Aborted, (await EngineTest.Collect(running)).Reason);
        Assert.Equal(EngineError.Stopping, Assert.Throws<EngineException>(() => engine.Submit(Long, CancellationToken.None)).Error);
    }

    [Fact]
    public async Task RunTick_Throws_EndsEveryStreamWithTheCauseAndRefusesNewRequests()
    {
        var executor = new FakeExecutor(new FakeExecutorOptions { ThrowAtTick = 3, Gated = true });
        await using var engine = EngineTest.Start(executor, new EngineOptions { MaxSequences = 1 });
        var running = engine.Submit(Long, CancellationToken.None);
        var waiting = engine.Submit(Long, CancellationToken.None);
        executor.Gate.Open();

        foreach (var reader in new[] { running, waiting })
        {
            var failure = await Assert.ThrowsAsync<EngineException>(() => EngineTest.Collect(reader));
            Assert.Equal(EngineError.Failed, failure.Error);
            Assert.Contains("told to fail in tick 3", failure.Message, StringComparison.Ordinal);
        }

        Assert.Equal(EngineError.Failed, Assert.Throws<EngineException>(() => engine.Submit(Long, CancellationToken.None)).Error);
        await engine.StopAsync(TimeSpan.Zero).WaitAsync(EngineTest.Patience);
    }
}
