using System.Text.Json;
using LlmServe.Cpu;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Testing;
using LlmServe.Text;

namespace LlmServe.Engine.Tests;

/// <summary>The engine on the real backend.</summary>
public class CpuEngineTests
{
    [Theory]
    [InlineData(ActivationMode.Int8, 1)]
    [InlineData(ActivationMode.F32, 2)]
    public async Task Submit_TinyModelUnderPressure_GivesTheAnswersOfEachAlone(ActivationMode activations, int lanes)
    {
        const int Clients = 24;
        using var model = GgufFile.Open(TestData.Local("golden", "tiny", "llama.gguf"));
        var tokenizer = TokenizerFactory.Create(model.Metadata);
        var random = new Random(lanes);
        var options = new CpuOptions { Activations = activations, Lanes = 1, MaxRowsPerTick = 64, MaxSequences = 8, ContextLength = 128 };
        GenerationRequest[] requests = [.. Enumerable.Range(0, Clients).Select(_ => RandomRequest(random))];
        var expected = new Answer[Clients];
        long blockBytes;
        var executor = CpuBackend.Load(model, options);
        await using (var alone = new LlmEngine(executor, tokenizer, new EngineOptions { PrefixCache = false }))
        {
            blockBytes = executor.Memory.KvGroups[0].BlockBytes;
            for (int i = 0; i < Clients; i++)
            {
                expected[i] = await EngineTest.Collect(alone.Submit(requests[i], CancellationToken.None));
            }
        }

        var tight = CpuBackend.Load(model, options with { Lanes = lanes, KvBytes = blockBytes * 10 });
        await using var engine = new LlmEngine(tight, tokenizer, new EngineOptions { MaxRowsPerTick = 24, Speculate = 3 });
        // On a busy machine the clients may come one after the other; then there is no pressure yet.
        for (int round = 0; round == 0 || (round < 10 && engine.Statistics.Preemptions == 0); round++)
        {
            var answers = await Task.WhenAll(requests.Select(request => EngineTest.Collect(engine.Submit(request, CancellationToken.None))));
            for (int i = 0; i < Clients; i++)
            {
                Assert.Equal(expected[i].Tokens, answers[i].Tokens);
                Assert.Equal((expected[i].Text, expected[i].Reason), (answers[i].Text, answers[i].Reason));
            }
        }

        var statistics = engine.Statistics;
        Assert.True(statistics is { Preemptions: > 0, CachedPromptTokens: > 0, Speculation.LookupDrafts: > 0 }, statistics.ToString());
        Assert.Equal((0, 0, tight.Memory.KvGroups[0].Blocks), (statistics.Running, statistics.Waiting, statistics.FreeKvBlocks));
    }

    [Theory]
    [InlineData("llama.gguf", true)]
    [InlineData("llama3-rope.gguf", false)]
    public async Task Submit_TinyModelWithDraft_GivesTheAnswersWithoutIt(string draftFile, bool itself)
    {
        using var model = GgufFile.Open(TestData.Local("golden", "tiny", "llama.gguf"));
        using var draftModel = GgufFile.Open(TestData.Local("golden", "tiny", draftFile));
        var tokenizer = TokenizerFactory.Create(model.Metadata);
        var options = new CpuOptions { Lanes = 2, MaxRowsPerTick = 64, MaxSequences = 8, ContextLength = 128 };
        var random = new Random(7);
        GenerationRequest[] requests = [.. Enumerable.Range(0, 12).Select(i => RandomRequest(random) with { Sampling = new SamplingOptions { Temperature = itself ? 0 : i % 2 } })];
        var expected = new Answer[requests.Length];
        await using (var alone = new LlmEngine(CpuBackend.Load(model, options), tokenizer, new EngineOptions { Speculate = 0 }))
        {
            for (int i = 0; i < requests.Length; i++)
            {
                expected[i] = await EngineTest.Collect(alone.Submit(requests[i], CancellationToken.None));
            }
        }

        var target = CpuBackend.Load(model, options);
        var draft = CpuBackend.Load(draftModel, options with { LanesOf = target });
        await using var engine = new LlmEngine(
            target, tokenizer, new EngineOptions { Speculate = 4, MaxTickMilliseconds = 1e6 }, new DraftModel(draft, TokenizerFactory.Create(draftModel.Metadata)));
        var answers = await Task.WhenAll(requests.Select(request => EngineTest.Collect(engine.Submit(request, CancellationToken.None))));

        for (int i = 0; i < requests.Length; i++)
        {
            Assert.Equal(expected[i].Tokens, answers[i].Tokens);
        }

        var statistics = engine.Statistics.Speculation;
        Assert.True(statistics is { ModelDrafts: > 50, ModelFailed: false }, statistics.ToString());
        Assert.True(!itself || statistics.ModelAccepted == statistics.ModelDrafts, statistics.ToString());
    }

    [Fact]
    public async Task Submit_EmbeddedModel_GivesTheGoldenGreedyAnswers()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(TestData.Local("golden", "embedded", "greedy.json")));
        using var model = GgufFile.Open(TestData.EmbeddedModel);
        var executor = CpuBackend.Load(model, new CpuOptions { ContextLength = 256, MaxSequences = 8 });
        await using var engine = new LlmEngine(executor, TokenizerFactory.Create(model.Metadata), new EngineOptions());

        // The shortest answers, all at once.
        var chats = golden.RootElement.EnumerateArray().OrderBy(chat => chat.GetProperty("int8_ids").GetArrayLength()).Take(3).ToArray();
        var answers = await Task.WhenAll(chats.Select(chat => EngineTest.Collect(engine.Submit(
            new GenerationRequest { Prompt = Ints(chat.GetProperty("prompt_ids")), MaxTokens = 48 }, CancellationToken.None))));

        for (int i = 0; i < chats.Length; i++)
        {
            Assert.Equal(Ints(chats[i].GetProperty("int8_ids")), answers[i].Tokens);
            Assert.Equal(chats[i].GetProperty("int8_text").GetString(), answers[i].Text);
        }
    }

    private static GenerationRequest RandomRequest(Random random)
    {
        int[] common = [.. Enumerable.Range(0, 40).Select(i => 20 + i % 9)];
        return new GenerationRequest
        {
            Prompt = [.. random.Next(2) == 0 ? common : [], .. Enumerable.Range(0, random.Next(1, 20)).Select(_ => random.Next(3, 380))],
            MaxTokens = random.Next(30, 100),
            IgnoreEndOfGeneration = true,
            Sampling = new SamplingOptions { Temperature = random.Next(2) * 0.7f, TopP = 0.9f, Seed = (ulong)random.NextInt64() },
        };
    }

    private static int[] Ints(JsonElement array) => [.. array.EnumerateArray().Select(element => element.GetInt32())];
}
