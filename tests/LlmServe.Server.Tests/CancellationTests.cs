using Grpc.Core;
using LlmServe.Client;
using LlmServe.Engine;
using LlmServe.Testing.Fakes;
using LlmServe.V1;
using FinishReason = LlmServe.V1.FinishReason;

namespace LlmServe.Server.Tests;

public sealed class CancellationTests
{
    /// <summary>An engine with one place, on a model that never ends by itself within the test.</summary>
    private static Task<TestServer> StartEndlessAsync(bool gated = false) => TestServer.StartAsync(
        new FakeExecutorOptions { Next = _ => 'x', ContextLength = 32 * 1024, KvBlocks = 1024, Gated = gated },
        new EngineOptions { MaxSequences = 1, MaxQueue = 1, StreamCapacity = 4 });

    [Fact]
    public async Task Chat_Cancelled_FailsWithCancelledAndFreesSequence()
    {
        await using var server = await StartEndlessAsync();
        using var cancellation = new CancellationTokenSource();
        int seen = 0;
        await Calls.FailsAsync(StatusCode.Cancelled, async () =>
        {
            await foreach (var _ in server.Client.ChatAsync(TestServer.Chat("Hi"), cancellation.Token))
            {
                seen++;
                await cancellation.CancelAsync();
            }
        });
        Assert.True(seen > 0);
        await AssertFreeAsync(server);
    }

    [Fact]
    public async Task Chat_LeftEarly_FreesSequence()
    {
        await using var server = await StartEndlessAsync();
        await foreach (var _ in server.Client.ChatAsync(TestServer.Chat("Hi")))
        {
            break;
        }

        await AssertFreeAsync(server);
    }

    [Fact]
    public async Task Generate_WithDeadlineThatPasses_FailsWithDeadlineExceededAndFreesSequence()
    {
        await using var server = await StartEndlessAsync(gated: true);
        using var hurried = new LlmServeClient(server.Host.Address, new LlmServeClientOptions { Timeout = TimeSpan.FromMilliseconds(200) });
        await Calls.FailsAsync(StatusCode.DeadlineExceeded, () => hurried.GenerateAsync(new GenerateRequest { Text = "x" }).ToListAsync());
        server.Executor.Gate.Open();
        await AssertFreeAsync(server);
    }

    [Fact]
    public async Task Chat_CancelledWhileWaiting_LeavesQueue()
    {
        await using var server = await StartEndlessAsync(gated: true);
        using var running = new CancellationTokenSource();
        var first = server.Client.ChatAsync(TestServer.Chat("Hi"), running.Token).ToListAsync();
        await server.Executor.Gate.WhenHeldAsync().WaitAsync(Calls.Patience);

        using var waiting = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Calls.FailsAsync(StatusCode.Cancelled, () => server.Client.ChatAsync(TestServer.Chat("Hi"), waiting.Token).ToListAsync());
        await running.CancelAsync();
        await Calls.FailsAsync(StatusCode.Cancelled, () => first);
        server.Executor.Gate.Open();
        await AssertFreeAsync(server);
    }

    [Fact]
    public async Task Client_Disposed_FreesSequence()
    {
        await using var server = await StartEndlessAsync();
        var client = new LlmServeClient(server.Host.Address);
        var started = new TaskCompletionSource();
        var call = Task.Run(async () =>
        {
            await foreach (var _ in client.ChatAsync(TestServer.Chat("Hi")))
            {
                started.TrySetResult();
            }
        });
        await started.Task.WaitAsync(Calls.Patience);
        client.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => call);
        await AssertFreeAsync(server);
    }

    [Fact]
    public async Task Chat_OfSlowReader_DoesNotHoldUpOthers()
    {
        await using var server = await TestServer.StartAsync(
            new FakeExecutorOptions { ContextLength = 16 * 1024, KvBlocks = 1024, Next = history => history[3] == 'e' ? 'x' : FakeTokenizer.ImEnd },
            new EngineOptions { MaxSequences = 2, StreamCapacity = 4 });
        await using var slow = server.Client.ChatAsync(TestServer.Chat("endless")).GetAsyncEnumerator();
        Assert.True(await slow.MoveNextAsync());

        for (int i = 0; i < 20; i++)
        {
            var deltas = await server.Client.ChatAsync(TestServer.Chat("quick")).ToListAsync().WaitAsync(Calls.Patience);
            Assert.Equal(FinishReason.Stop, deltas[^1].FinishReason);
        }
    }

    /// <summary>The only place is free again if another call gets it, with one more waiting: else one of the two would be refused or never run.</summary>
    private static async Task AssertFreeAsync(TestServer server)
    {
        var options = new GenerationOptions { MaxTokens = 3 };
        var request = new GenerateRequest { Text = "again", Options = options };
        for (var until = DateTime.UtcNow + Calls.Patience; ;)
        {
            try
            {
                var answers = await Task.WhenAll(server.Client.GenerateAsync(request).ToListAsync(), server.Client.GenerateAsync(request).ToListAsync())
                    .WaitAsync(Calls.Patience);
                Assert.All(answers, answer => Assert.Equal(3, answer[^1].Usage.CompletionTokens));
                return;
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted && DateTime.UtcNow < until)
            {
                // The news of the cancellation is still on its way to the server.
                await Task.Delay(10);
            }
        }
    }
}
