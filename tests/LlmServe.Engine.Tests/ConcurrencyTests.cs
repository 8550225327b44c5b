using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>Many clients at once: everyone gets the answer that they would get alone.</summary>
public class ConcurrencyTests
{
    private const int Clients = 64;

    [Theory]
    [InlineData(1, 24, false, 0)]
    [InlineData(2, 24, true, 0)]
    [InlineData(3, 200, true, 0)]
    [InlineData(4, 30, false, 5)]
    [InlineData(5, 24, true, 8)]
    [InlineData(6, 200, true, 3)]
    public async Task Submit_ManyMixedClients_GetTheAnswersTheyWouldGetAlone(int seed, int kvBlocks, bool prefixCache, int promptLookup)
    {
        var random = new Random(seed);
        var model = new FakeExecutorOptions { ContextLength = 256, MaxRows = 48, MaxSequences = 16, KvBlocks = kvBlocks, Next = PromptLookupTests.Repetitive };
        int[] system = EngineTest.RandomPrompt(random, 80);
        var requests = Enumerable.Range(0, Clients).Select(_ => RandomRequest(random, system)).ToArray();
        var expected = new Answer[Clients];
        await using (var alone = EngineTest.Start(new FakeExecutor(model), new EngineOptions { PrefixCache = false }))
        {
            for (int i = 0; i < Clients; i++)
            {
                expected[i] = await EngineTest.Collect(alone.Submit(requests[i], CancellationToken.None));
            }
        }

        await using var engine = EngineTest.Start(new FakeExecutor(model), Options(prefixCache, promptLookup));
        int[] cancelAfter = [.. Enumerable.Range(0, Clients).Select(_ => random.Next(4) == 0 ? random.Next(0, 30) : int.MaxValue)];
        var clients = new Task<Answer>[Clients];
        for (int i = 0; i < Clients; i++)
        {
            clients[i] = Client(engine, requests[i], cancelAfter[i], expected[i].Tokens.Length);
            for (int pause = random.Next(4); pause > 0; pause--)
            {
                await Task.Yield();
            }
        }

        var answers = await Task.WhenAll(clients);

        for (int i = 0; i < Clients; i++)
        {
            bool cancelled = answers[i].Reason == FinishReason.Cancelled;
            Assert.True(!cancelled || cancelAfter[i] < int.MaxValue, $"client {i} was cancelled by nobody");
            Assert.Equal(cancelled ? expected[i].Tokens[..answers[i].Tokens.Length] : expected[i].Tokens, answers[i].Tokens);
            Assert.True(cancelled || expected[i].Text == answers[i].Text && expected[i].Reason == answers[i].Reason, $"client {i}");
        }

        var statistics = engine.Statistics;
        Assert.Equal(prefixCache, statistics.CachedPromptTokens > 0);
        Assert.Equal(promptLookup > 0, statistics.Speculation.Accepted > 0);
        Assert.Equal(promptLookup > 0, statistics.Speculation.Drafted > statistics.Speculation.Accepted);
        Assert.True(kvBlocks > 100 || statistics.Preemptions > 0, "the small cache must have led to preemption");
        Assert.Equal((0, 0, kvBlocks), (statistics.Running, statistics.Waiting, statistics.FreeKvBlocks));
    }

    private static EngineOptions Options(bool prefixCache, int promptLookup) => new()
    {
        StreamCapacity = 8, MaxRowsPerTick = 40, PrefixCache = prefixCache, Speculate = promptLookup,
    };

    /// <summary>A third of the clients start with the same system prompt.</summary>
    private static GenerationRequest RandomRequest(Random random, int[] system) => new()
    {
        Prompt = [.. random.Next(3) == 0 ? system : [], .. EngineTest.RandomPrompt(random, random.Next(1, 60))],
        MaxTokens = random.Next(1, 120),
        IgnoreEndOfGeneration = random.Next(2) == 0,
        Stop = random.Next(3) == 0 ? ["th", "one"] : [],
        Sampling = new SamplingOptions
        {
            Temperature = random.Next(3) * 0.5f,
            TopK = random.Next(2) * 20,
            RepetitionPenalty = random.Next(2) == 0 ? 1 : 1.2f,
            PresencePenalty = random.Next(2) * 0.5f,
            Seed = (ulong)random.NextInt64(),
        },
    };

    /// <summary>Reads its answer, sometimes slowly, and may hang up in the middle.</summary>
    private static async Task<Answer> Client(LlmEngine engine, GenerationRequest request, int cancelAfter, int length)
    {
        using var cancellation = new CancellationTokenSource();
        var reader = engine.Submit(request, cancellation.Token);
        if (cancelAfter == int.MaxValue)
        {
            return await EngineTest.Collect(reader);
        }

        var tokens = new List<int>();
        GenerationUpdate? last = null;
        await foreach (var update in reader.ReadAllAsync(new CancellationTokenSource(EngineTest.Patience).Token))
        {
            tokens.AddRange(update.Tokens);
            last = update;
            if (tokens.Count >= cancelAfter)
            {
                await cancellation.CancelAsync();
            }
        }

        Assert.InRange(tokens.Count, 0, length);
        return new Answer([.. tokens], "", FinishReason.Cancelled, last!.Usage!, last.Timings!, []);
    }
}
