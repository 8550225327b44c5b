using FsCheck;
using FsCheck.Fluent;
using LlmServe.Engine.Memory;
using LlmServe.Execution;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>Models whose layers differ: windows, chunks, states of fixed size, alone and together.</summary>
public class MixedMemoryTests
{
    private const int Context = 400;
    private const int MaxRows = 24;

    /// <summary>Kinds of models by name: KV groups, and snapshots that can be kept (none: no states).</summary>
    public static TheoryData<string> Kinds => [.. Models.Keys];

    internal static Dictionary<string, FakeExecutorOptions> Models { get; } = new()
    {
        ["full and window"] = Model(null, All(30), Window(16, 50)),
        ["two full"] = Model(null, All(30), All(34)),
        ["window alone"] = Model(null, Window(11, 33)),
        ["full and chunks"] = Model(null, All(30), Chunks(11, 64)),
        ["full, window, chunks"] = Model(null, All(30), Window(10, 10), Chunks(13, 96)),
        ["states alone"] = Model(6),
        ["full and states"] = Model(6, All(30)),
        ["full, window and states"] = Model(5, All(30), Window(11, 50)),
        ["states without snapshots"] = Model(0, All(30)),
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Step_AnyLoad_ComputesWhatAStraightRunComputes(string kind) => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(25).WithReplay(31, 77), Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue - 1)), seed => RunsToItsEnd(Models[kind], seed)));

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Submit_SameStart_GivesTheAnswersOfAnEngineWithoutCache(string kind)
    {
        var model = Models[kind];
        int[] system = EngineTest.RandomPrompt(new Random(1), 100);
        await using var engine = EngineTest.Start(new FakeExecutor(model));
        int cached = 0;
        for (int i = 0; i < 4; i++)
        {
            var request = new GenerationRequest { Prompt = [.. system, 60 + i, .. EngineTest.RandomPrompt(new Random(i), 60)], MaxTokens = 70, IgnoreEndOfGeneration = true };
            var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));
            Assert.Equal((await EngineTest.Alone(request, model)).Tokens, answer.Tokens);
            cached += i > 1 ? answer.Usage.CachedPromptTokens : 0;
        }

        Assert.Equal(model.Snapshots == 0 ? 0 : 2 * 96, cached); // where two prompts parted, a state was kept for the third
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Submit_NextTurnOfAChat_ReadsOnlyWhatIsNew(string kind)
    {
        var model = Models[kind];
        await using var engine = EngineTest.Start(new FakeExecutor(model));
        int[] chat = EngineTest.RandomPrompt(new Random(1), 50);
        for (int turn = 0; turn < 5; turn++)
        {
            var answer = await EngineTest.Collect(engine.Submit(
                new GenerationRequest { Prompt = chat, MaxTokens = 40, IgnoreEndOfGeneration = true }, CancellationToken.None));
            bool keeps = model.Snapshots != 0 && turn > 0;
            Assert.InRange(chat.Length - answer.Usage.CachedPromptTokens, 1, keeps ? 20 + KvBlock.Positions : chat.Length);
            chat = [.. chat, .. answer.Tokens, .. EngineTest.RandomPrompt(new Random(turn), 20)];
        }
    }

    [Fact]
    public async Task Submit_LikelyPrefix_IsKeptForTheNextAlready()
    {
        int[] system = EngineTest.RandomPrompt(new Random(1), 130);
        await using var engine = EngineTest.Start(new FakeExecutor(Models["full and states"]));
        GenerationRequest Request(int user) =>
            new() { Prompt = [.. system, user, .. EngineTest.RandomPrompt(new Random(user), 100)], MaxTokens = 2, LikelyPrefixes = [system.Length] };
        await EngineTest.Collect(engine.Submit(Request(50), CancellationToken.None));
        var answer = await EngineTest.Collect(engine.Submit(Request(51), CancellationToken.None));
        Assert.Equal(128, answer.Usage.CachedPromptTokens);
    }

    [Fact]
    public void Step_LongPromptAndAnswer_HoldNoMoreThanTheWindow()
    {
        var window = Window(60, 50);
        var rig = new LoopRig(Model(null, window) with { ContextLength = 2000 }, new EngineOptions { PrefixCache = false });
        var sequence = rig.Add(EngineTest.RandomPrompt(new Random(1), 1000), 900);
        int most = window.Visibility.MostBlocks(MaxRows);
        while (sequence.Record.Finish == FinishReason.None)
        {
            rig.Step();
            Assert.InRange(window.Blocks - rig.Loop.Memory.Groups[0].Available, 0, most);
        }

        Assert.Equal(window.Blocks, rig.Loop.Memory.Groups[0].Available);
    }

    [Fact]
    public void Commit_LongSequenceBesideASharedBlock_NeverTakesTheBlock()
    {
        var rows = new RowTable(1, 2, 100);
        var memory = new SequenceMemory(rows, new TestMemory([Window(8, 32)]), prefixCache: true, mostAhead: KvBlock.Positions);
        int[] shared = new int[64];
        Assert.Equal(0, memory.Attach(0, shared, 160));
        Assert.True(memory.TryEnsure(0, shared.Length));
        memory.Commit(0, shared);
        Assert.Equal(64, memory.Attach(1, shared, 160));
        Assert.True(memory.TryEnsure(1, 65));
        int block = rows.BlockTable(1)[1];
        memory.Release(0);
        int[] other = EngineTest.RandomPrompt(new Random(1), 3000);
        Assert.Equal(0, memory.Attach(0, other, other.Length));
        for (int length = KvBlock.Positions; length < other.Length; length += KvBlock.Positions)
        {
            Assert.True(memory.TryEnsure(0, length));
            Assert.NotEqual(block, rows.BlockTable(0)[(length / KvBlock.Positions) - 1]);
            memory.Commit(0, other.AsSpan(0, length));
        }
    }

    [Fact]
    public void Attach_ShortSequences_ReserveNoWholeWindow()
    {
        var rows = new RowTable(1, 8, 100);
        var memory = new SequenceMemory(rows, new TestMemory([Window(20, 500)]), prefixCache: false, mostAhead: KvBlock.Positions);
        for (int slot = 0; slot < 6; slot++)
        {
            memory.Attach(slot, new int[40], most: 96);
            Assert.True(memory.TryEnsure(slot, 40));
        }

        memory.Attach(6, new int[40], most: 96);
        Assert.False(memory.TryEnsure(6, 40), "6 × 3 blocks are reserved, and 3 more would be too many");
        memory.Attach(6, new int[40], most: 64);
        Assert.True(memory.TryEnsure(6, 40));
    }

    [Fact]
    public void Constructor_MemoryTooSmallForAWindow_SaysSo()
    {
        var executor = new FakeExecutor(Model(null, Window(3, 500)));
        var error = Assert.Throws<ArgumentException>(() => EngineTest.Start(executor));
        Assert.Contains("ticks of 24 rows", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 100, 0, 96)]
    [InlineData(96, 100, 0, int.MaxValue)]
    [InlineData(0, 33, 0, 32)]
    [InlineData(0, 32, 0, int.MaxValue)]
    [InlineData(0, 5000, 0, 640)]
    [InlineData(640, 5000, 700, 672)]
    [InlineData(4500, 5000, 700, 4992)]
    public void Next_Place_IsTheNearestBorder(int computed, int length, int matched, int expected) =>
        Assert.Equal(expected, SnapshotPlaces.Next(computed, length, matched, []));

    [Fact]
    public void Next_PlacesOfAPrompt_AreFew()
    {
        for (int length = 1; length < 100_000; length = (length * 3 / 2) + 1)
        {
            int places = 0;
            for (int at = SnapshotPlaces.Next(0, length, 0, []); at < int.MaxValue; at = SnapshotPlaces.Next(at, length, 0, []))
            {
                places++;
            }

            Assert.InRange(places, 0, 9);
        }
    }

    private static bool RunsToItsEnd(FakeExecutorOptions model, int seed)
    {
        var random = new Random(seed);
        var options = new EngineOptions { PrefixCache = random.Next(5) > 0, Speculate = random.Next(2) == 0 ? 0 : 3, MaxTickMilliseconds = 1000 };
        var rig = new LoopRig(model with { Next = model.Groups!.Any(group => group.Visibility.IsAll) ? PromptLookupTests.Repetitive : null }, options);
        var total = rig.Loop.Memory.Groups.Select(group => group.Available).ToArray();
        int[] system = EngineTest.RandomPrompt(random, random.Next(1, 150));
        for (int arrivals = random.Next(3, 12); arrivals > 0 || !rig.Loop.IsEmpty;)
        {
            if (arrivals > 0 && random.Next(4) == 0)
            {
                int[] prompt = [.. random.Next(2) == 0 ? system : [], .. EngineTest.RandomPrompt(random, random.Next(1, 120))];
                rig.Add(prompt, random.Next(1, 100));
                arrivals--;
            }

            if (random.Next(60) == 0 && rig.Live.FirstOrDefault() is { } victim)
            {
                victim.Life.RequestCancel();
            }

            if (rig.Loop.Prepare())
            {
                rig.Finish(); // the fake throws where anything that a row sees is not the sequence's past
            }
        }

        Assert.Equal(total, rig.Loop.Memory.Groups.Select(group => group.Available));
        return true;
    }

    private static FakeExecutorOptions Model(int? snapshots, params KvGroup[] groups) =>
        new() { ContextLength = Context, MaxRows = MaxRows, MaxSequences = 5, Groups = groups, Snapshots = snapshots };

    private static KvGroup All(int blocks) => new(1, blocks, 512, KvVisibility.All);

    private static KvGroup Window(int blocks, int window) => new(1, blocks, 512, new KvVisibility(Window: window));

    private static KvGroup Chunks(int blocks, int chunk) => new(1, blocks, 512, new KvVisibility(Chunk: chunk));
}
