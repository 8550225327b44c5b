using FsCheck;
using FsCheck.Fluent;
using LlmServe.Engine.Memory;
using LlmServe.Execution;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

public class PrefixCacheTests
{
    private const int Slots = 4;

    [Fact]
    public void Attach_CommittedPrefix_SharesItsFullBlocks()
    {
        var (rows, memory) = New(blocks: 8);
        Fill(memory, 0, Sequence(100, 1, 2, 3));

        int positions = memory.Attach(1, Sequence(90, 1, 2, 9), 160);

        Assert.Equal(64, positions);
        Assert.Equal(rows.BlockTable(0)[..2].ToArray(), rows.BlockTable(1)[..2].ToArray());
        Assert.Equal(4, memory.Available);
        memory.Release(0);
        Assert.Equal((6, 1), (memory.Available, memory.Cached));
        memory.Release(1);
        Assert.Equal((8, 3), (memory.Available, memory.Cached));
    }

    [Fact]
    public void Commit_BlockThatIsKnown_ChangesOverAndFreesItsOwn()
    {
        var (rows, memory) = New(blocks: 8);
        memory.TryEnsure(0, 64);
        memory.TryEnsure(1, 64);
        memory.Commit(0, Sequence(64, 1, 2));
        memory.Commit(1, Sequence(64, 1, 2));
        Assert.Equal(rows.BlockTable(0)[..2].ToArray(), rows.BlockTable(1)[..2].ToArray());
        Assert.Equal(6, memory.Available);
    }

    [Fact]
    public void TryEnsure_MemoryShort_EvictsTheLeastRecentlyUsedLeafFirst()
    {
        var (_, memory) = New(blocks: 4);
        Fill(memory, 0, Sequence(64, 1, 2));
        memory.Release(0);
        Fill(memory, 0, Sequence(64, 3, 4));
        memory.Release(0);
        Assert.Equal(64, memory.Attach(0, Sequence(64, 1, 2), 160)); // used again: now the newer one
        memory.Release(0);

        Assert.True(memory.TryEnsure(1, 32));

        Assert.Equal(32, memory.Attach(2, Sequence(64, 3, 4), 160));
        Assert.Equal(64, memory.Attach(3, Sequence(64, 1, 2), 160));
    }

    [Fact]
    public void Manager_RandomUse_NeverGivesABlockWithOtherTokens()
    {
        // Block contents come from three values, so that prefixes meet often.
        var step = from slot in Gen.Choose(0, Slots - 1)
                   from length in Gen.Choose(1, 150)
                   from content in Gen.Choose(0, 2).ArrayOf(5)
                   select (Slot: slot, Length: length, Content: content);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(400).WithReplay(77, 7),
            Prop.ForAll(step.ListOf().ToArbitrary(), steps => HoldsInvariants([.. steps])));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Submit_SameSystemPrompt_IsComputedOnce(bool prefixCache)
    {
        var executor = new FakeExecutor(new FakeExecutorOptions { MaxRows = 64 });
        await using var engine = EngineTest.Start(executor, new EngineOptions { PrefixCache = prefixCache });
        int[] system = EngineTest.RandomPrompt(new Random(1), 100);
        var first = new GenerationRequest { Prompt = [.. system, 50], MaxTokens = 30, IgnoreEndOfGeneration = true };
        var second = new GenerationRequest { Prompt = [.. system, 51], MaxTokens = 30, IgnoreEndOfGeneration = true };
        await EngineTest.Collect(engine.Submit(first, CancellationToken.None));

        var answer = await EngineTest.Collect(engine.Submit(second, CancellationToken.None));

        Assert.Equal(prefixCache ? 96 : 0, answer.Usage.CachedPromptTokens);
        Assert.Equal(prefixCache ? 101 + 5 : 202, engine.Statistics.PromptRows);
        Assert.Equal((await EngineTest.Alone(second)).Tokens, answer.Tokens);
        Assert.Equal(executor.Memory.KvGroups[0].Blocks, engine.Statistics.FreeKvBlocks);
    }

    [Fact]
    public async Task Submit_SamePromptOfWholeBlocks_StillComputesItsLastToken()
    {
        await using var engine = EngineTest.Start(new FakeExecutor());
        var request = new GenerationRequest { Prompt = EngineTest.RandomPrompt(new Random(1), 64), MaxTokens = 5 };
        var first = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));
        var second = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));
        Assert.Equal(32, second.Usage.CachedPromptTokens);
        Assert.Equal(first.Tokens, second.Tokens);
    }

    [Fact]
    public async Task Submit_NextTurnOfAChat_FindsPromptAndAnswer()
    {
        await using var engine = EngineTest.Start(new FakeExecutor());
        int[] prompt = EngineTest.RandomPrompt(new Random(1), 20);
        var first = await EngineTest.Collect(engine.Submit(
            new GenerationRequest { Prompt = prompt, MaxTokens = 60, IgnoreEndOfGeneration = true }, CancellationToken.None));
        var second = await EngineTest.Collect(engine.Submit(
            new GenerationRequest { Prompt = [.. prompt, .. first.Tokens, 65, 66], MaxTokens = 5 }, CancellationToken.None));
        Assert.Equal(64, second.Usage.CachedPromptTokens);
    }

    private static bool HoldsInvariants((int Slot, int Length, int[] Content)[] steps)
    {
        const int Blocks = 9;
        var (rows, memory) = New(Blocks);
        var contents = new string[Blocks]; // what each block was filled with, prefix and all
        var texts = new int[Slots][];
        foreach (var (slot, length, content) in steps)
        {
            memory.Release(slot);
            int[] tokens = Sequence(length, content);
            int cached = memory.Attach(slot, tokens, 160);
            for (int i = 0; i < cached / KvBlock.Positions; i++)
            {
                if (contents[rows.BlockTable(slot)[i]] != Prefix(tokens, i))
                {
                    return false;
                }
            }

            texts[slot] = tokens;
            if (memory.TryEnsure(slot, length))
            {
                for (int i = cached / KvBlock.Positions; i < memory.Held(slot); i++)
                {
                    contents[rows.BlockTable(slot)[i]] = Prefix(tokens, i);
                }

                memory.Commit(slot, tokens);
            }

            for (int other = 0; other < Slots; other++)
            {
                for (int i = 0; i < memory.Held(other); i++)
                {
                    if (contents[rows.BlockTable(other)[i]] != Prefix(texts[other], i))
                    {
                        return false;
                    }
                }
            }

            var held = Enumerable.Range(0, Slots).SelectMany(s => rows.BlockTable(s)[..memory.Held(s)].ToArray()).Distinct();
            if (held.Count() + memory.Available != Blocks)
            {
                return false;
            }
        }

        Enumerable.Range(0, Slots).ToList().ForEach(memory.Release);
        return memory.Available == Blocks;
    }

    private static string Prefix(int[] tokens, int block) => string.Join(' ', tokens.Take((block + 1) * KvBlock.Positions));

    private static (RowTable Rows, SequenceMemory Memory) New(int blocks)
    {
        var rows = new RowTable(1, Slots, 5);
        return (rows, TestMemory.OneGroup(rows, blocks, prefixCache: true));
    }

    private static void Fill(SequenceMemory memory, int slot, int[] tokens)
    {
        Assert.True(memory.TryEnsure(slot, tokens.Length));
        memory.Commit(slot, tokens);
    }

    /// <summary>Tokens whose block i is filled with the i-th content.</summary>
    private static int[] Sequence(int length, params int[] content) =>
        [.. Enumerable.Range(0, length).Select(position => content[Math.Min(position / KvBlock.Positions, content.Length - 1)])];
}
