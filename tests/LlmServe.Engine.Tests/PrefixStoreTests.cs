using LlmServe.Cpu;
using LlmServe.Gguf;
using LlmServe.Testing;
using LlmServe.Testing.Fakes;
using LlmServe.Text;

namespace LlmServe.Engine.Tests;

/// <summary>A prefix cache that outlives the engine: the same answers, less computing, and never what is not the model's own.</summary>
public sealed class PrefixStoreTests : IDisposable
{
    private static readonly int[] Prompt = EngineTest.RandomPrompt(new Random(7), 170);

    private readonly string _folder = Directory.CreateTempSubdirectory("llmserve-prefixes-").FullName;
    private readonly List<string> _warnings = [];

    public static TheoryData<string> Kinds => MixedMemoryTests.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Submit_AfterARestart_StartsBehindWhatWasKept(string kind)
    {
        var model = MixedMemoryTests.Models[kind];
        var first = await Run(model, Prompt, 40);
        Assert.Equal(0, first.Usage.CachedPromptTokens);
        int[] next = [.. Prompt, .. first.Tokens, 65, 66, 67];

        var second = await Run(model, next, 40);

        Assert.Equal((await EngineTest.Alone(Request(next, 40), model)).Tokens, second.Tokens);
        int expected = model.Snapshots == 0 ? 0 : 192 - 32; // of 213, 209 were computed before; the first block is computed again, to be compared
        Assert.Equal(kind == "states alone" ? 32 : expected, second.Usage.CachedPromptTokens);
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task Submit_SeveralAtOnceAfterARestart_AllStartBehindIt()
    {
        var model = MixedMemoryTests.Models["full, window and states"];
        await Run(model, Prompt, 20);
        await using var engine = Start(model);
        var requests = Enumerable.Range(0, 8).Select(i => Request([.. Prompt[..(100 + (i * 9))], 60 + i], 30)).ToArray();
        var answers = await Task.WhenAll(requests.Select(request => EngineTest.Collect(engine.Submit(request, CancellationToken.None))));
        for (int i = 0; i < requests.Length; i++)
        {
            Assert.Equal((await EngineTest.Alone(requests[i], model)).Tokens, answers[i].Tokens);
        }

        Assert.True(engine.Statistics.CachedPromptTokens >= 8 * 32, engine.Statistics.ToString());
    }

    [Fact]
    public async Task Submit_FilesOfAnotherModelThatLooksTheSame_AreNoticedAndDeleted()
    {
        var model = new FakeExecutorOptions();
        await Run(model, Prompt, 20);
        var other = model with { Weights = 1 };
        var answer = await Run(other, Prompt, 20);
        Assert.Equal((await EngineTest.Alone(Request(Prompt, 20), other)).Tokens, answer.Tokens);
        Assert.Equal(0, answer.Usage.CachedPromptTokens);
        Assert.Contains("another model", Assert.Single(_warnings), StringComparison.Ordinal);
        Assert.Equal(160 - 32, (await Run(other, [.. Prompt, 65], 20)).Usage.CachedPromptTokens);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Submit_DamagedFiles_AreComputedAnew(int seed)
    {
        var random = new Random(seed);
        var model = MixedMemoryTests.Models["full, window and states"];
        for (int round = 0; round < 12; round++)
        {
            await Run(model, Prompt, 20);
            foreach (string file in Directory.GetFiles(_folder, "*.kv", SearchOption.AllDirectories).Where(_ => random.Next(3) == 0))
            {
                Damage(file, random);
            }

            var answer = await Run(model, [.. Prompt, 65], 20);
            Assert.Equal((await EngineTest.Alone(Request([.. Prompt, 65], 20), model)).Tokens, answer.Tokens);
        }

        Assert.Empty(_warnings);
        for (int repair = 0; repair < 6; repair++)
        {
            await Run(model, [.. Prompt, 65], 20); // each notices the first that is damaged, and writes it anew
        }

        Assert.Equal(160 - 32, (await Run(model, [.. Prompt, 65], 20)).Usage.CachedPromptTokens);
    }

    [Fact]
    public async Task DisposeAsync_MoreThanTheDiskMayHold_KeepsWithinIt()
    {
        var model = new FakeExecutorOptions();
        await using (var engine = Start(model, 20_000))
        {
            for (int i = 0; i < 10; i++)
            {
                await EngineTest.Collect(engine.Submit(Request(EngineTest.RandomPrompt(new Random(i), 200), 5), CancellationToken.None));
            }
        }

        long bytes = Directory.GetFiles(_folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);
        Assert.InRange(bytes, 5_000, 20_000);
    }

    [Fact]
    public async Task Constructor_FolderThatCannotBe_WarnsAndGoesOn()
    {
        string file = Path.Combine(_folder, "file");
        await File.WriteAllTextAsync(file, "no folder");
        await using var engine = EngineTest.Start(
            new FakeExecutor(), new EngineOptions { PrefixCacheDirectory = Path.Combine(file, "below"), OnWarning = _warnings.Add });
        Assert.Single(_warnings);
        await EngineTest.Collect(engine.Submit(Request(Prompt, 5), CancellationToken.None));
    }

    [Fact]
    public async Task Submit_MemoryTooShortForAll_EvictedAndStoredPrefixesComeBack()
    {
        var model = new FakeExecutorOptions { KvBlocks = 14, ContextLength = 256 };
        await using var engine = Start(model);
        int[][] systems = [.. Enumerable.Range(0, 4).Select(i => EngineTest.RandomPrompt(new Random(i), 130))];
        int cached = 0;
        for (int i = 0; i < 24; i++)
        {
            var request = Request([.. systems[i % 4], 50 + i, .. EngineTest.RandomPrompt(new Random(i), 20)], 20);
            var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));
            Assert.Equal((await EngineTest.Alone(request, model)).Tokens, answer.Tokens);
            cached += answer.Usage.CachedPromptTokens;
        }

        Assert.Equal(engine.Statistics.CachedPromptTokens, cached);
        Assert.Equal(14, engine.Statistics.FreeKvBlocks);
    }

    [Theory]
    [InlineData(Execution.KvElement.F16)]
    [InlineData(Execution.KvElement.F32)]
    public async Task Submit_RealModelAfterARestart_GivesTheSameBits(Execution.KvElement kv)
    {
        using var model = GgufFile.Open(TestData.Local("golden", "tiny", "llama.gguf"));
        var tokenizer = TokenizerFactory.Create(model.Metadata);
        var options = new CpuOptions { Lanes = 1, MaxRowsPerTick = 32, MaxSequences = 2, ContextLength = 128, Kv = kv };
        int[] prompt = [.. Enumerable.Range(0, 80).Select(i => 3 + (i * 7 % 90))];
        var answers = new List<Answer>();
        foreach (string? folder in new[] { null, _folder, _folder })
        {
            await using var engine = new LlmEngine(
                CpuBackend.Load(model, options), tokenizer, new EngineOptions { PrefixCacheDirectory = folder, OnWarning = _warnings.Add });
            answers.Add(await EngineTest.Collect(engine.Submit(Request(prompt, 40) with { LogProbabilities = 3 }, CancellationToken.None)));
        }

        Assert.Equal([0, 0, 64 - 32], answers.Select(answer => answer.Usage.CachedPromptTokens));
        Assert.All(answers, answer => Assert.Equal(answers[0].Tokens, answer.Tokens));
        Assert.All(answers, answer => Assert.Equal(
            answers[0].LogProbabilities.Select(report => report.LogProbability), answer.LogProbabilities.Select(report => report.LogProbability)));
        Assert.Empty(_warnings);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void Damage(string file, Random random)
    {
        byte[] bytes = File.ReadAllBytes(file);
        switch (random.Next(4))
        {
            case 0:
                File.WriteAllBytes(file, bytes[..random.Next(bytes.Length)]);
                break;
            case 1:
                File.WriteAllBytes(file, [.. bytes, 1]);
                break;
            case 2:
                File.Delete(file);
                break;
            default:
                bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
                File.WriteAllBytes(file, bytes);
                break;
        }
    }

    private static GenerationRequest Request(int[] prompt, int maxTokens) => new() { Prompt = prompt, MaxTokens = maxTokens, IgnoreEndOfGeneration = true };

    private async Task<Answer> Run(FakeExecutorOptions model, int[] prompt, int maxTokens)
    {
        await using var engine = Start(model);
        return await EngineTest.Collect(engine.Submit(Request(prompt, maxTokens), CancellationToken.None));
    }

    private LlmEngine Start(FakeExecutorOptions model, long diskBytes = 1 << 30) => EngineTest.Start(
        new FakeExecutor(model), new EngineOptions { PrefixCacheDirectory = _folder, PrefixCacheDiskBytes = diskBytes, OnWarning = _warnings.Add });
}
