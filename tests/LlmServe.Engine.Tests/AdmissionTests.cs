using System.Threading.Channels;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>Places: taken before a request exists, given back, and taken from whoever holds most when all are taken.</summary>
public class AdmissionTests
{
    private static readonly GenerationRequest Long = EngineTest.Request("Hello", maxTokens: 30) with { IgnoreEndOfGeneration = true };

    [Fact]
    public async Task Reserve_ThenSubmit_RunsUnderTheTicketsClientAndPriority()
    {
        await using var engine = EngineTest.Start(new FakeExecutor());
        using var ticket = engine.Reserve("me", 3);
        Assert.Equal(1, engine.Statistics.Waiting);

        var answer = await EngineTest.Collect(ticket.Submit(Long with { Client = "another", Priority = -10 }, CancellationToken.None));

        Assert.Equal((await EngineTest.Alone(Long)).Tokens, answer.Tokens);
        Assert.Equal(0, engine.Statistics.Waiting);
        Assert.Throws<InvalidOperationException>(() => ticket.Submit(Long, CancellationToken.None));
    }

    [Fact]
    public async Task Dispose_UnusedTicket_GivesItsPlaceBackOnce()
    {
        var executor = new FakeExecutor(new FakeExecutorOptions { Gated = true });
        await using var engine = EngineTest.Start(executor, new EngineOptions { MaxSequences = 1, MaxQueue = 0 });
        var ticket = engine.Reserve();
        Assert.False(engine.TryReserve(null, 0, out _, out var refusal));
        Assert.Equal(EngineError.QueueFull, refusal.Error);

        ticket.Dispose();
        ticket.Dispose();

        using var next = engine.Reserve();
        Assert.False(engine.TryReserve(null, 0, out _, out _));
        Assert.Throws<InvalidOperationException>(() => ticket.Submit(Long, CancellationToken.None));
        executor.Gate.Open();
    }

    [Fact]
    public async Task Submit_InvalidRequest_LeavesThePlaceForAnother()
    {
        await using var engine = EngineTest.Start(new FakeExecutor());
        using var ticket = engine.Reserve();
        Assert.Equal("prompt", Assert.Throws<EngineException>(() => ticket.Submit(Long with { Prompt = [] }, CancellationToken.None)).Field);
        await EngineTest.Collect(ticket.Submit(Long, CancellationToken.None));
    }

    [Fact]
    public async Task Submit_TokenOfADisposedSource_EndsOrThrowsAndKeepsNoPlace()
    {
        await using var engine = EngineTest.Start(new FakeExecutor());
        var source = new CancellationTokenSource();
        var token = source.Token;
        source.Dispose();
        try
        {
            await EngineTest.Collect(engine.Submit(Long, token));
        }
        catch (ObjectDisposedException)
        {
        }

        Assert.Equal((0, 0), (engine.Statistics.Running, engine.Statistics.Waiting));
    }

    [Fact]
    public async Task TryReserve_QueueFullOfOneClient_ItsYoungestWaitingRequestGivesWay()
    {
        var executor = new FakeExecutor(new FakeExecutorOptions { Gated = true });
        await using var engine = EngineTest.Start(executor, new EngineOptions { MaxSequences = 1, MaxQueue = 3 });
        var flood = Enumerable.Range(0, 4).Select(_ => engine.Submit(Long with { Client = "flood" }, CancellationToken.None)).ToArray();
        await executor.Gate.WhenHeldAsync();
        Assert.Throws<EngineException>(() => engine.Submit(Long with { Client = "flood" }, CancellationToken.None));

        var other = engine.Submit(Long with { Client = "other" }, CancellationToken.None);

        var displaced = await Last(flood[3]);
        Assert.Equal(FinishReason.Displaced, displaced.FinishReason);
        Assert.Contains("client flood holds 4 of its 4 places", displaced.Message, StringComparison.Ordinal);
        executor.Gate.Open();
        foreach (var reader in flood[..3].Append(other))
        {
            Assert.Equal(FinishReason.Length, (await EngineTest.Collect(reader)).Reason);
        }

        Assert.Equal((0, 0), (engine.Statistics.Running, engine.Statistics.Waiting));
    }

    [Fact]
    public async Task TryReserve_QueueFullOfReservedPlaces_TheYoungestTicketIsTold()
    {
        await using var engine = EngineTest.Start(new FakeExecutor(), new EngineOptions { MaxSequences = 1, MaxQueue = 2 });
        var tickets = Enumerable.Range(0, 3).Select(i => engine.Reserve("flood", i == 1 ? -1 : 0)).ToArray();

        using var other = engine.Reserve("other");

        Assert.True(tickets[1].Cancelled.IsCancellationRequested, "the lowest priority goes first");
        Assert.Equal(EngineError.QueueFull, tickets[1].Refusal!.Error);
        Assert.Same(tickets[1].Refusal, Assert.Throws<EngineException>(() => tickets[1].Submit(Long, CancellationToken.None)));
        Assert.False(tickets[0].Cancelled.IsCancellationRequested || tickets[2].Cancelled.IsCancellationRequested);
        Array.ForEach(tickets, ticket => ticket.Dispose());
        Assert.Equal(1, engine.Statistics.Waiting);
    }

    [Fact]
    public async Task TryReserve_PlacesAreEvenlyHeld_NobodyGivesWay()
    {
        await using var engine = EngineTest.Start(new FakeExecutor(), new EngineOptions { MaxSequences = 1, MaxQueue = 3 });
        var tickets = new[] { "a", "b", "a", "b" }.Select(client => engine.Reserve(client)).ToArray();
        Assert.False(engine.TryReserve("a", 10, out _, out _));
        using (var newcomer = engine.Reserve("c"))
        {
            Assert.Equal(1, tickets.Count(ticket => ticket.Refusal is not null));
            Assert.False(engine.TryReserve("c", 0, out _, out _), "with one place of its own it holds as many as the others would be left with");
        }

        Array.ForEach(tickets, ticket => ticket.Dispose());
        Assert.Equal(0, engine.Statistics.Waiting);
    }

    [Fact]
    public async Task Cancel_WaitingRequest_EndsInTheCancellersThreadWhileATickIsHeld()
    {
        var executor = new FakeExecutor(new FakeExecutorOptions { Gated = true });
        await using var engine = EngineTest.Start(executor, new EngineOptions { MaxSequences = 1, MaxQueue = 1 });
        var running = engine.Submit(Long, CancellationToken.None);
        await executor.Gate.WhenHeldAsync();
        using var cancellation = new CancellationTokenSource();
        var waiting = engine.Submit(Long, cancellation.Token);
        Assert.Equal(1, engine.Statistics.Waiting);

        cancellation.Cancel();

        Assert.True(waiting.TryRead(out var last), "its end is there when Cancel returns");
        Assert.Equal(FinishReason.Cancelled, last!.FinishReason);
        Assert.Equal(0, engine.Statistics.Waiting);
        var next = engine.Submit(Long, CancellationToken.None);
        executor.Gate.Open();
        await EngineTest.Collect(running);
        await EngineTest.Collect(next);
    }

    [Fact]
    public async Task DisposeAsync_WithReservedPlaces_TellsThemAndDoesNotWait()
    {
        var engine = EngineTest.Start(new FakeExecutor());
        var ticket = engine.Reserve();
        await engine.DisposeAsync().AsTask().WaitAsync(EngineTest.Patience);
        Assert.True(ticket.Cancelled.IsCancellationRequested);
        Assert.Equal(EngineError.Stopping, Assert.Throws<EngineException>(() => ticket.Submit(Long, CancellationToken.None)).Error);
    }

    [Fact]
    public async Task StopAsync_ReservedPlace_MayStillBeUsed()
    {
        await using var engine = EngineTest.Start(new FakeExecutor());
        using var ticket = engine.Reserve();
        var stop = engine.StopAsync(Timeout.InfiniteTimeSpan);
        Assert.False(engine.TryReserve(null, 0, out _, out _));
        Assert.Equal(FinishReason.Length, (await EngineTest.Collect(ticket.Submit(Long, CancellationToken.None))).Reason);
        await stop.WaitAsync(EngineTest.Patience);
    }

    private static async Task<GenerationUpdate> Last(ChannelReader<GenerationUpdate> reader)
    {
        GenerationUpdate? last = null;
        await foreach (var update in reader.ReadAllAsync())
        {
            last = update;
        }

        return last!;
    }
}
