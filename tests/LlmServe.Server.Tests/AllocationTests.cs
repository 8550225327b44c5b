using Grpc.Core;
using LlmServe.Engine;
using LlmServe.Server.Internal.GrpcApi;
using LlmServe.Serving;
using LlmServe.Testing.Fakes;
using LlmServe.V1;
using Xunit.Abstractions;

namespace LlmServe.Server.Tests;

/// <summary>What a token costs the server beside the model.</summary>
[Collection("exceptions")]
public sealed class AllocationTests(ITestOutputHelper output)
{
    /// <summary>
    /// Bytes that a token may take on its way from the engine's thread to the library that writes it: the engine's update with its text and ids, and what
    /// waking the reader takes.
    /// </summary>
    private const int MostPerToken = 300;

    [Fact]
    public async Task SendAsync_OfLongAnswers_TakesAFixedAmountPerToken()
    {
        await using var engine = new LlmEngine(
            new FakeExecutor(new FakeExecutorOptions { Next = _ => 'x', ContextLength = 8192, KvBlocks = 512 }), new FakeTokenizer(), new EngineOptions { Speculate = 0 });
        using var core = new ServingCore([new ServedModel { Id = "fake", Engine = engine }], new ServingOptions());
        await MeasureAsync(core, 500);
        long few = await MeasureAsync(core, 500);
        long many = await MeasureAsync(core, 2500);
        double perToken = (many - few) / 2000.0;
        output.WriteLine($"{perToken:F0} bytes a token");
        Assert.InRange(perToken, 0, MostPerToken);
    }

    private static async Task<long> MeasureAsync(ServingCore core, int tokens)
    {
        var writer = new CountingWriter();
        long before = GC.GetTotalAllocatedBytes(precise: true);
        var failure = await core.Calls.RunAsync(new ServedCall { Method = "test", Client = core.Clients.OfAddress("here") }, async call =>
        {
            using var generation = await core.Generations.StartAsync(call, new GenerationInput
            {
                Model = core.Models.All[0],
                Prompt = new TokenPrompt([1, 2, 3]) { Field = "ids" },
                Settings = new GenerationSettings { MaxTokens = tokens, IgnoreEndOfGeneration = true },
            });
            await DeltaWriter.SendAsync(generation, writer, delta => new GenerateResponse { Delta = delta }, call);
        });
        long after = GC.GetTotalAllocatedBytes(precise: true);
        Assert.Null(failure);
        Assert.Equal(tokens, writer.Tokens);
        return after - before;
    }

    private sealed class CountingWriter : IServerStreamWriter<GenerateResponse>
    {
        public WriteOptions? WriteOptions { get; set; }

        public int Tokens { get; private set; }

        public Task WriteAsync(GenerateResponse message)
        {
            Tokens += message.Delta.TokenIds.Count;
            return Task.CompletedTask;
        }
    }
}
