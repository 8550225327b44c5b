using FsCheck;
using FsCheck.Fluent;
using LlmServe.Engine.Scheduling;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>Short and long prompts of one client: the short ones overtake, and the long ones keep their half.</summary>
public class OvertakingTests
{
    private const int MaxRows = 32;

    private static readonly FakeExecutorOptions Model = new() { MaxRows = MaxRows, MaxSequences = 40, KvBlocks = 800, ContextLength = 2048 };

    [Theory]
    [InlineData("proxy", 1)]
    [InlineData("proxy", 20)]
    [InlineData("proxy", 400)]
    [InlineData(null, 20)]
    [InlineData(null, 400)]
    public void Step_ShortPromptBehindALongOneOfItsClient_NeedsTwiceItsOwnTime(string? client, int tokens)
    {
        var rig = Rig();
        var random = new Random(tokens);
        var prompt = rig.Add(EngineTest.RandomPrompt(random, 1500), 2, client: client);
        rig.Step();
        rig.Step();
        var brief = rig.Add(EngineTest.RandomPrompt(random, tokens), 2, client: client);
        int alone = (tokens + MaxRows - 1) / MaxRows;
        int ticks = 0;
        for (; brief.Record.FirstToken == 0; ticks++)
        {
            rig.Step();
        }

        // Every eighth tick is the oldest's in any case.
        Assert.InRange(ticks, alone, (2 * alone) + (alone > 1 ? 2 : 0));
        Assert.Equal(0, prompt.Record.FirstToken);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 1)]
    [InlineData(20, 3)]
    [InlineData(33, 1)]
    [InlineData(100, 10)]
    public void Step_EndlessShortPrompts_LeaveTheLongOneHalfOfTheRows(int tokens, int atOnce)
    {
        var rig = Rig();
        var random = new Random(tokens);
        var prompt = rig.Add(EngineTest.RandomPrompt(random, 1500), 2, client: "proxy");
        int own = 0;
        int others = 0;
        while (prompt.Record.FirstToken == 0)
        {
            while (rig.Live.Count(sequence => !sequence.IsDecoding) <= atOnce)
            {
                rig.Add(EngineTest.RandomPrompt(random, tokens), 2, client: "proxy");
            }

            Assert.True(rig.Loop.Prepare());
            own += rig.RowsOf(prompt);
            others += rig.Running.Where(sequence => sequence != prompt && !sequence.IsDecoding).Sum(rig.RowsOf);
            Assert.InRange(others, 0, own + MaxRows);
            rig.Finish();
        }

        Assert.True(others > 40 * Math.Min(tokens, 16), "the short prompts were meant to press");
    }

    [Fact]
    public void Step_ChunksOfUnlikeSize_GiveBothHalfOfTheRows()
    {
        // Chunks of the long prompt are somewhat smaller, since their rows cost more, and a stream keeps ticks short: some 48 rows, and some 40.
        var model = Model with { MaxRows = 256, Predict = (rows, _, context) => rows * (1e-3 + (context * 1.5e-7)) };
        var rig = new LoopRig(model, new EngineOptions { PrefixCache = false, Speculate = 0, MaxTickMilliseconds = 50 });
        var random = new Random(1);
        rig.Add([65], 1000);
        rig.Step();
        var prompt = rig.Add(EngineTest.RandomPrompt(random, 2000), 2, client: "proxy");
        while (prompt.Computed < 1000)
        {
            rig.Step();
        }

        int start = prompt.Computed;
        var brief = rig.Add(EngineTest.RandomPrompt(random, 500), 2, client: "proxy");
        while (brief.Record.FirstToken == 0)
        {
            rig.Step();
            Assert.InRange(prompt.Computed - start, brief.Computed - 100, brief.Computed + 50);
        }
    }

    [Fact]
    public void Step_StreamsThatUseUpTheTick_LeaveTheLongPromptItsRowsBesideShortOnes()
    {
        // Decoding alone takes longer than promised, so a tick has the least number of prompt rows; short prompts must not leave any of them unused.
        var model = Model with { Predict = (rows, _, _) => rows * 0.1 };
        var rig = new LoopRig(model, new EngineOptions { PrefixCache = false, Speculate = 0, MaxTickMilliseconds = 50 });
        rig.Add([65], 2000);
        rig.Step();
        var prompt = rig.Add(new int[400], 2, client: "proxy");
        for (int tick = 0; prompt.Record.FirstToken == 0; tick++)
        {
            rig.Add([66], 1, client: "proxy");
            Assert.True(rig.Loop.Prepare());
            Assert.Equal(Math.Min(TickBudget.LeastPromptRows, prompt.Pending + 1) + 1, rig.Executor.Rows.Count);
            Assert.InRange(tick, 0, 400 / (TickBudget.LeastPromptRows / 2));
            rig.Finish();
        }
    }

    [Fact]
    public void Step_ShortPromptBesideALongOneAlone_DoesNotWaitForALargeTick()
    {
        var model = Model with { MaxRows = 256, SecondsPerRow = 1e-3 };
        var rig = new LoopRig(model, new EngineOptions { PrefixCache = false, MaxTickMilliseconds = 50 });
        var prompt = rig.Add(new int[1500], 2, client: "proxy");
        Assert.True(rig.Loop.Prepare());
        Assert.Equal(256, rig.RowsOf(prompt));
        rig.Finish();
        var brief = rig.Add(new int[20], 2, client: "proxy");
        Assert.True(rig.Loop.Prepare());
        Assert.Equal(20, rig.RowsOf(brief));
        Assert.Equal(30, rig.RowsOf(prompt));
    }

    [Fact]
    public void Step_ShortPromptOfLowerPriority_WaitsForTheLongOne()
    {
        var rig = Rig();
        var prompt = rig.Add(new int[1000], 2, client: "proxy", priority: 1);
        rig.Step();
        var brief = rig.Add(new int[20], 2, client: "proxy");
        while (prompt.Pending > MaxRows)
        {
            rig.Step();
            Assert.Equal(0, brief.Computed);
        }
    }

    [Fact]
    public void Step_ShortPromptsOfOneClient_TakeNothingFromAnother()
    {
        var rig = Rig();
        var random = new Random(3);
        long[] rows = new long[2];
        var prompt = rig.Add(EngineTest.RandomPrompt(random, 1500), 2, client: "client 0");
        var other = rig.Add(EngineTest.RandomPrompt(random, 1500), 2, client: "client 1");
        while (prompt.Record.FirstToken == 0 && other.Record.FirstToken == 0)
        {
            while (rig.Live.Count(sequence => !sequence.IsDecoding) < 6)
            {
                rig.Add(EngineTest.RandomPrompt(random, random.Next(1, 60)), 2, client: "client 0");
            }

            Assert.True(rig.Loop.Prepare());
            foreach (var sequence in rig.Running.Where(sequence => !sequence.IsDecoding))
            {
                rows[sequence.Request.Client![^1] - '0'] += rig.RowsOf(sequence);
            }

            Assert.InRange(rows[0] - rows[1], -3 * MaxRows, 3 * MaxRows);
            rig.Finish();
        }

        Assert.NotEqual(0, other.Record.FirstToken);
    }

    [Fact]
    public void Step_AnyPromptsOfAFewClients_AreReadWithinTwiceTheRowsBeforeThem() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(60).WithReplay(2026, 1125), Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), ReadsWithinItsBound));

    /// <summary>
    /// The rows that a client is given from the arrival of a prompt until that prompt is read are bounded by what its older prompts and the prompt itself
    /// needed then: each of them as the oldest is overtaken by its own rows and a turn at most.
    /// </summary>
    private static bool ReadsWithinItsBound(int seed)
    {
        var random = new Random(seed);
        var rig = Rig();
        var given = new Dictionary<string, int>();
        var bounds = new Dictionary<Sequence, int>();
        int arrivals = random.Next(5, 30);
        int clients = random.Next(1, 4);
        int longest = random.Next(2) == 0 ? 100 : 900;
        while (arrivals > 0 || bounds.Count > 0)
        {
            while (arrivals > 0 && random.Next(3) == 0)
            {
                string client = $"client {random.Next(clients)}";
                int tokens = random.Next(1, random.Next(2) == 0 ? 40 : longest);
                var sequence = rig.Add(EngineTest.RandomPrompt(random, tokens), random.Next(1, 6), client: client);
                var before = bounds.Keys.Where(other => other.Request.Client == client).ToArray();
                int rows = tokens + before.Sum(other => other.Pending);
                bounds.Add(sequence, given.GetValueOrDefault(client) + (2 * rows) + ((before.Length + 2) * MaxRows));
                arrivals--;
            }

            if (!rig.Loop.Prepare())
            {
                continue;
            }

            foreach (var sequence in rig.Running.Where(sequence => !sequence.IsDecoding))
            {
                given[sequence.Request.Client!] = given.GetValueOrDefault(sequence.Request.Client!) + rig.RowsOf(sequence);
            }

            rig.Finish();
            foreach (var sequence in bounds.Keys.ToArray())
            {
                Assert.True(given.GetValueOrDefault(sequence.Request.Client!) <= bounds[sequence], $"seed {seed}: prompt {sequence.Arrival} waits too long");
                if (sequence.Record.FirstToken != 0)
                {
                    bounds.Remove(sequence);
                }
            }
        }

        return true;
    }

    private static LoopRig Rig() => new(Model, new EngineOptions { PrefixCache = false, Speculate = 0, MaxTickMilliseconds = 1e6 });
}
