using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Google.Protobuf;
using LlmServe.Engine;
using LlmServe.Server.Tests.Support;
using LlmServe.Testing.Fakes;
using LlmServe.V1;
using Xunit.Abstractions;

namespace LlmServe.Server.Tests;

/// <summary>Alone in its collection: it counts what the whole process throws.</summary>
[CollectionDefinition("exceptions", DisableParallelization = true)]
public sealed class ExceptionCollection;

/// <summary>Calls that end early: an exception costs as much as a short answer, so they end without any.</summary>
[Collection("exceptions")]
public sealed class CheapEndingTests(ITestOutputHelper output)
{
    private const string Generate = "/llmserve.v1.TextService/Generate";
    private const int Count = 200;

    [Theory]
    [InlineData("deadline")]
    [InlineData("reset in the queue")]
    [InlineData("reset at once")]
    public async Task Calls_ThatEndEarly_ThrowNextToNothing(string how)
    {
        await using var server = await TestServer.StartAsync(
            new FakeExecutorOptions { Gated = true }, new EngineOptions { MaxSequences = 1, MaxQueue = 1000 });
        using var socket = await Http2Socket.ConnectAsync(server.Host.Endpoint);
        byte[] message = Http2Socket.Message(new GenerateRequest { Text = "Once upon a time", Options = new GenerationOptions { MaxTokens = 5 } }.ToByteArray());
        var running = await socket.RequestAsync(Generate, message);
        await server.Executor.Gate.WhenHeldAsync().WaitAsync(Calls.Patience);

        var thrown = new ConcurrentQueue<string>();
        void Note(object? sender, FirstChanceExceptionEventArgs thrownNow) => thrown.Enqueue($"{thrownNow.Exception.GetType().Name}: {thrownNow.Exception.Message} {thrownNow.Exception.StackTrace}");
        AppDomain.CurrentDomain.FirstChanceException += Note;
        try
        {
            var answers = new List<Http2Socket.Answer>();
            for (int i = 0; i < Count; i++)
            {
                answers.Add(await socket.RequestAsync(
                    Generate, message, reset: how == "reset at once", headers: how == "deadline" ? [("grpc-timeout", "20m")] : null));
            }

            if (how == "reset in the queue")
            {
                await Until(() => server.Engine.Statistics.Waiting == Count);
                answers.ForEach(answer => _ = socket.ResetAsync(answer));
            }
            else if (how == "deadline")
            {
                await Task.WhenAll(answers.Select(answer => answer.Ended)).WaitAsync(Calls.Patience);
                Assert.All(answers, answer => Assert.Equal(4, answer.Status));
            }

            await Until(() => server.Host.RunningCalls == 1 && server.Engine.Statistics.Waiting == 0);
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Note;
        }

        foreach (var group in thrown.GroupBy(line => line.Length > 600 ? line[..600] : line).OrderByDescending(group => group.Count()).Take(12))
        {
            output.WriteLine($"{group.Count()} × {group.Key}");
        }

        server.Executor.Gate.Open();
        await running.Ended.WaitAsync(Calls.Patience);
        Assert.Equal(0, running.Status);
        Assert.InRange(thrown.Count, 0, Count / 10);
    }

    private static async Task Until(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Calls.Patience);
        while (!condition())
        {
            await Task.Delay(1, patience.Token);
        }
    }
}
