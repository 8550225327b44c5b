using FsCheck;
using FsCheck.Fluent;
using LlmServe.Execution;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>Sharing between clients and priorities: who gets rows, slots and blocks, tick by tick.</summary>
public class FairnessTests
{
    private static readonly FakeExecutorOptions Model = new() { MaxRows = 32, MaxSequences = 6, KvBlocks = 24, ContextLength = 256 };

    [Fact]
    public void Step_AnyLoad_WastesNothingWritesNoSharedBlockAndFinishesEveryone() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(60).WithReplay(2026, 1123), Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), RunsToItsEnd));

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void Step_ClientsOfEqualPriority_GetTheSamePromptRows(int clients)
    {
        var random = new Random(clients);
        var rig = new LoopRig(Model with { KvBlocks = 200, MaxSequences = 10 }, new EngineOptions { PrefixCache = false, MaxQueue = 1000 });
        for (int i = 0; i < 300; i++)
        {
            // The first client asks for most of it, and first.
            int client = i < 60 ? 0 : random.Next(clients);
            rig.Add(EngineTest.RandomPrompt(random, random.Next(Model.MaxRows, 200)), 1, client: $"client {client}");
        }

        long[] rows = new long[clients];
        while (rig.Live.Select(sequence => sequence.Request.Client).Distinct().Count() == clients)
        {
            Assert.True(rig.Loop.Prepare());
            foreach (var sequence in rig.Running)
            {
                rows[sequence.Request.Client![^1] - '0'] += rig.RowsOf(sequence);
            }

            Assert.InRange(rows.Max() - rows.Min(), 0, 3 * Model.MaxRows);
            rig.Finish();
        }

        Assert.True(rows.Min() > 1000, "the load was meant to last");
    }

    [Fact]
    public void Step_FloodOfOneClient_LetsAnothersRequestPassAtOnce()
    {
        var rig = new LoopRig(Model, new EngineOptions());
        for (int i = 0; i < 50; i++)
        {
            rig.Add(new int[100], 3, client: "flood");
        }

        rig.Step();
        var other = rig.Add(new int[20], 3, client: "other");
        int ticks = 0;
        while (other.Record.FirstToken == 0)
        {
            rig.Step();
            ticks++;
        }

        Assert.InRange(ticks, 1, 20); // a slot must come free, then its prompt is next
    }

    [Fact]
    public void Step_HigherPriority_ComesFirst()
    {
        var rig = new LoopRig(Model with { MaxSequences = 1 }, new EngineOptions());
        var order = new List<int>();
        rig.OnFinished = sequence => order.Add(sequence.Request.Priority);
        foreach (int priority in new[] { 0, -10, 5, 10, -3 })
        {
            rig.Add([65], 2, priority: priority);
        }

        RunToEnd(rig);
        Assert.Equal([10, 5, 0, -3, -10], order);
    }

    [Fact]
    public void Step_EndlessHighPriorities_LowOneStillFinishes()
    {
        var rig = new LoopRig(Model with { KvBlocks = 12 }, new EngineOptions { PrefixCache = false });
        var random = new Random(7);
        var low = rig.Add(EngineTest.RandomPrompt(random, 150), 40, client: "low", priority: RequestLimits.MinPriority);
        int ticks = 0;
        while (low.Record.Finish == FinishReason.None)
        {
            while (rig.Live.Count() < 12)
            {
                rig.Add(EngineTest.RandomPrompt(random, random.Next(20, 120)), random.Next(5, 40), client: "high", priority: RequestLimits.MaxPriority);
            }

            rig.Step();
            Assert.True(++ticks < 3000, "the low priority starves");
        }

        Assert.True(rig.Loop.Statistics.Preemptions > 0, "the load was meant to press for blocks");
    }

    [Fact]
    public void Step_OutOfBlocks_LowestPriorityLeavesThenTheYoungest()
    {
        var rig = new LoopRig(new FakeExecutorOptions { KvBlocks = 8, ContextLength = 256 }, new EngineOptions { PrefixCache = false });
        var oldest = rig.Add([65], 100, priority: -5);
        var low = rig.Add([66], 100, priority: -1);
        var high = rig.Add([67], 100, priority: 3);
        var middle = rig.Add([68], 100);
        var left = new List<long>();
        while (!rig.Loop.IsEmpty)
        {
            var before = rig.Running.ToArray();
            rig.Step();
            left.AddRange(before.Where(sequence => sequence.Slot < 0 && sequence.Record.Finish == FinishReason.None).Select(sequence => sequence.Arrival));
        }

        Assert.Equal(low.Arrival, left[0]);
        Assert.DoesNotContain(oldest.Arrival, left);
        Assert.DoesNotContain(high.Arrival, left);
        Assert.NotEqual(0, middle.Record.FirstToken);
    }

    [Fact]
    public void Step_ClientAtItsShare_WaitsWhileOthersPass()
    {
        var rig = new LoopRig(Model, new EngineOptions { MaxSequencesPerClient = 2 });
        for (int i = 0; i < 5; i++)
        {
            rig.Add([65 + i], 10, client: "many");
        }

        rig.Add([80], 10, client: "few");
        rig.Add([81], 10);
        rig.Add([82], 10);
        rig.Add([83], 10);
        rig.Step();
        Assert.Equal(["many", "many", "few", null, null, null], rig.Running.Select(sequence => sequence.Request.Client));
        RunToEnd(rig);
        Assert.Equal(9, rig.Finished);
    }

    private static void RunToEnd(LoopRig rig)
    {
        while (!rig.Loop.IsEmpty)
        {
            rig.Step();
        }
    }

    private static bool RunsToItsEnd(int seed)
    {
        var random = new Random(seed);
        var rig = new LoopRig(Model, new EngineOptions
        {
            PrefixCache = random.Next(2) == 0, MaxSequencesPerClient = random.Next(3), Speculate = random.Next(2) * 3,
        });
        int[] system = EngineTest.RandomPrompt(random, 70);
        int arrivals = random.Next(1, 40);
        for (int tick = 0; arrivals > 0 || !rig.Loop.IsEmpty; tick++)
        {
            Assert.True(tick < 5000, $"seed {seed}: somebody never finishes");
            while (arrivals > 0 && random.Next(3) == 0)
            {
                int[] prompt = [.. random.Next(2) == 0 ? system : [], .. EngineTest.RandomPrompt(random, random.Next(1, 100))];
                rig.Add(prompt, random.Next(1, 60), null, random.Next(4) == 0 ? null : $"client {random.Next(3)}", random.Next(-10, 11));
                arrivals--;
            }

            long preemptions = rig.Loop.Statistics.Preemptions;
            if (rig.Loop.Prepare())
            {
                AssertNothingIsWasted(rig, preemptions);
                AssertNoSharedBlockIsWritten(rig);
                rig.Finish();
            }
            else
            {
                Assert.True(rig.Loop.IsEmpty, $"seed {seed}: sequences are left but nothing is computed");
            }
        }

        Assert.Equal(Model.KvBlocks, rig.Loop.Statistics.FreeKvBlocks);
        return true;
    }

    /// <summary>Every decoding sequence has rows, a prompt is left out only when the tick is full, and nobody waits who could run.</summary>
    private static void AssertNothingIsWasted(LoopRig rig, long preemptionsBefore)
    {
        var waiting = rig.Live.Where(sequence => sequence.Slot < 0 && sequence.Share.MayRun).ToArray();
        int running = rig.Running.Count();
        if (waiting.Length > 0 && running < Model.MaxSequences && rig.Loop.Statistics.Preemptions == preemptionsBefore)
        {
            int wanted = waiting.Max(sequence => KvBlock.CountFor(sequence.Tokens.Length + 1));
            Assert.True(wanted + running > rig.Loop.Statistics.FreeKvBlocks, "there is room for everyone who waits");
        }

        int rows = rig.Executor.Rows.Count;
        Assert.All(rig.Running, sequence =>
        {
            int own = rig.RowsOf(sequence);
            Assert.True(sequence.IsDecoding ? own > 0 : own == sequence.Pending || rows == Model.MaxRows, "a prompt has fewer rows than were left");
        });
    }

    private static void AssertNoSharedBlockIsWritten(LoopRig rig)
    {
        var table = rig.Executor.Rows;
        for (int row = 0; row < table.Count; row++)
        {
            int slot = table.RowSlots[row];
            int index = table.Positions[row] / 32;
            int block = table.BlockTable(slot)[index];
            Assert.True(index >= rig.Loop.Memory.Shared(slot), "a block that may be shared is written");
            Assert.Equal(1, rig.Running.Count(sequence => table.BlockTable(sequence.Slot)[..rig.Loop.Memory.Held(sequence.Slot)].Contains(block)));
        }
    }
}
