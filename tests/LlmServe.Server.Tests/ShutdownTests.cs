using Grpc.Core;
using Grpc.Health.V1;
using LlmServe.Engine;
using LlmServe.Testing.Fakes;
using LlmServe.V1;
using FinishReason = LlmServe.V1.FinishReason;

namespace LlmServe.Server.Tests;

public sealed class ShutdownTests
{
    [Fact]
    public async Task StopAsync_WithRunningStream_LetsItFinishAndRefusesNewCalls()
    {
        await using var server = await TestServer.StartAsync(
            new FakeExecutorOptions { Gated = true }, options: new ServerOptions { GracePeriod = TimeSpan.FromMinutes(1) });
        var running = server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync();
        await server.Executor.Gate.WhenHeldAsync().WaitAsync(Calls.Patience);

        var stop = server.Host.StopAsync();
        foreach (Func<Task> call in (Func<Task>[])[
            () => server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync(), () => server.Client.TokenizeAsync(new TokenizeRequest()),
            () => server.Client.ListModelsAsync()])
        {
            var exception = await Calls.FailsAsync(StatusCode.Unavailable, call);
            Assert.Equal("the server is stopping", exception.Status.Detail);
        }

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, await server.Client.CheckHealthAsync());
        Assert.False(stop.IsCompleted);
        server.Executor.Gate.Open();
        Assert.Equal(TestServer.Answer, (await running.WaitAsync(Calls.Patience)).Text());
        await stop.WaitAsync(Calls.Patience);
        Assert.DoesNotContain(server.Logs.Entries, entry => entry.Event == 4);
    }

    [Fact]
    public async Task StopAsync_WhenGracePeriodEnds_AbortsRunningStream()
    {
        await using var server = await TestServer.StartAsync(
            new FakeExecutorOptions { Next = _ => 'x', ContextLength = 16 * 1024, KvBlocks = 1024 }, new EngineOptions { StreamCapacity = 4 },
            new ServerOptions { GracePeriod = TimeSpan.FromMilliseconds(100) });
        var deltas = new List<GenerationDelta>();
        Task? stop = null;
        var exception = await Calls.FailsAsync(StatusCode.Unavailable, async () =>
        {
            await foreach (var delta in server.Client.ChatAsync(TestServer.Chat("Hi", new GenerationOptions { MaxTokens = 16_000 })))
            {
                deltas.Add(delta);
                stop ??= server.Host.StopAsync();
                await Task.Delay(1); // A reader slow enough to be still reading when the grace period ends.
            }
        });
        Assert.Equal("the server is stopping", exception.Status.Detail);
        Assert.Equal(FinishReason.Aborted, deltas[^1].FinishReason);
        await stop!.WaitAsync(Calls.Patience);
    }

    [Fact]
    public async Task StopAsync_WithClientThatDoesNotRead_DoesNotWaitForIt()
    {
        await using var server = await TestServer.StartAsync(
            new FakeExecutorOptions { Next = _ => 'x', ContextLength = 16 * 1024, KvBlocks = 1024 }, new EngineOptions { StreamCapacity = 4 },
            new ServerOptions { GracePeriod = TimeSpan.Zero });
        await using var answer = server.Client.ChatAsync(TestServer.Chat("Hi")).GetAsyncEnumerator();
        Assert.True(await answer.MoveNextAsync());

        await server.Host.StopAsync().WaitAsync(Calls.Patience);
    }

    [Fact]
    public async Task StopAsync_Twice_WaitsForTheSameStop()
    {
        await using var server = await TestServer.StartAsync();
        Assert.Same(server.Host.StopAsync(), server.Host.StopAsync());
        await server.Host.StopAsync().WaitAsync(Calls.Patience);
        await Calls.FailsAsync(StatusCode.Unavailable, () => server.Client.ListModelsAsync());
        Assert.Contains(server.Logs.Entries, entry => entry.Event == 3);
    }

    [Fact]
    public async Task Watch_WhenServerStops_SaysNotServing()
    {
        await using var server = await TestServer.StartAsync();
        using var channel = Grpc.Net.Client.GrpcChannel.ForAddress(server.Host.Address);
        using var watch = new Health.HealthClient(channel).Watch(new HealthCheckRequest { Service = "llmserve.v1.ChatService" });
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Calls.Patience));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, watch.ResponseStream.Current.Status);

        var stop = server.Host.StopAsync();
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Calls.Patience));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, watch.ResponseStream.Current.Status);
        await stop.WaitAsync(Calls.Patience);
    }
}
