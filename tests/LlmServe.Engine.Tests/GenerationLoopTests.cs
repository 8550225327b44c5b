using LlmServe.Engine.Scheduling;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>The loop stepped by hand: what stands in each tick's row table.</summary>
public class GenerationLoopTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Step_RandomLoad_KeepsTheSchedulersPromises(int seed)
    {
        var random = new Random(seed);
        var rig = new LoopRig(new FakeExecutorOptions { MaxRows = 24, MaxSequences = 6, KvBlocks = 40 }, new EngineOptions { MaxRowsPerTick = 20, Speculate = 0 });
        int budget = 20;
        long arrivals = 0;
        int ticks = 0;
        while (ticks++ < 400)
        {
            if (random.Next(6) == 0 && arrivals < 40)
            {
                rig.Add(EngineTest.RandomPrompt(random, random.Next(1, 90)), random.Next(1, 30));
                arrivals++;
            }

            var decoding = rig.Running.Where(sequence => sequence.IsDecoding).ToArray();
            if (!rig.Loop.Prepare())
            {
                continue;
            }

            var table = rig.Executor.Rows;
            Assert.InRange(table.Count, 1, budget);
            Assert.All(decoding, sequence => Assert.True(sequence.Slot < 0 || rig.RowsOf(sequence) == 1, "a decoding sequence has exactly one row"));
            AssertOldestOrShortestPromptFirst(rig);
            AssertOnlyLastKnownTokenWantsLogits(rig);
            rig.Finish();
        }

        Assert.Equal(arrivals, rig.Finished);
        Assert.Equal(40, rig.Loop.Statistics.FreeKvBlocks);
    }

    [Fact]
    public void Step_PromptBesideDecoding_KeepsThePredictedTickTime()
    {
        var model = new FakeExecutorOptions { MaxRows = 64, SecondsPerRow = 0.001, SecondsPerTick = 0.002, ContextLength = 1024 };
        var rig = new LoopRig(model, new EngineOptions { MaxTickMilliseconds = 15.5 });
        rig.Add([65], 50);
        rig.Step();
        var prompt = rig.Add(new int[500], 5);

        rig.Loop.Prepare();

        Assert.Equal(13, rig.Executor.Rows.Count); // 2 ms + 13 × 1 ms
        Assert.Equal(12, rig.RowsOf(prompt));
    }

    [Fact]
    public void Step_PromptBesideDecodingOnceTicksWereTimed_LeavesTwoFifthsForSlowerOnes()
    {
        var model = new FakeExecutorOptions { MaxRows = 64, SecondsPerRow = 0.001, SecondsPerTick = 0.002, ContextLength = 1024 };
        var rig = new LoopRig(model, new EngineOptions { MaxTickMilliseconds = 15.5 / 0.6 }, learns: true);
        rig.Add([65], 50);
        rig.StepAsPredicted();
        var prompt = rig.Add(new int[500], 5);

        rig.Loop.Prepare();

        Assert.Equal(13, rig.Executor.Rows.Count); // 2 ms + 13 × 1 ms: 0.6 of what was promised
        Assert.Equal(12, rig.RowsOf(prompt));
    }

    [Fact]
    public void Step_PromptAfterSmallTicks_GrowsAtMostTwofoldATick()
    {
        var model = new FakeExecutorOptions { MaxRows = 64, SecondsPerRow = 0.001, SecondsPerTick = 0.002, ContextLength = 1024 };
        var rig = new LoopRig(model, new EngineOptions { MaxTickMilliseconds = 1000 }, learns: true);
        rig.Add([65], 50);
        rig.StepAsPredicted();
        rig.Add(new int[500], 5);
        var rows = new List<int>();
        for (int tick = 0; tick < 4; tick++)
        {
            Assert.True(rig.Loop.Prepare());
            rows.Add(rig.Executor.Rows.Count);
            rig.FinishAsPredicted();
        }

        Assert.Equal([16, 32, 64, 64], rows); // a tick of one row vouches for 16, the largest number for the program's 64
    }

    [Fact]
    public void Step_PromptAlone_TakesTheWholeBudget()
    {
        var rig = new LoopRig(new FakeExecutorOptions { MaxRows = 64, SecondsPerRow = 1, ContextLength = 1024 }, new EngineOptions { MaxTickMilliseconds = 15 });
        rig.Add(new int[500], 5);
        rig.Loop.Prepare();
        Assert.Equal(64, rig.Executor.Rows.Count);
    }

    [Fact]
    public void Step_DecodingUsesUpTheTime_PromptsStillAdvance()
    {
        var rig = new LoopRig(new FakeExecutorOptions { MaxRows = 64, SecondsPerRow = 1, ContextLength = 1024 }, new EngineOptions { MaxTickMilliseconds = 15 });
        rig.Add([65], 50);
        rig.Step();
        var prompt = rig.Add(new int[500], 5);
        rig.Loop.Prepare();
        Assert.Equal(TickBudget.LeastPromptRows, rig.RowsOf(prompt));
    }

    [Fact]
    public void Step_MoreDecodingThanRows_TakesTurns()
    {
        var rig = new LoopRig(new FakeExecutorOptions { MaxRows = 2 }, new EngineOptions());
        var sequences = Enumerable.Range(0, 5).Select(i => rig.Add([65 + i], 100)).ToArray();
        while (sequences.Any(sequence => !sequence.IsDecoding))
        {
            rig.Step();
        }

        int[] before = [.. sequences.Select(sequence => sequence.Tokens.Length)];
        for (int tick = 0; tick < 10; tick++)
        {
            rig.Step();
        }

        Assert.All(sequences.Zip(before), pair => Assert.InRange(pair.First.Tokens.Length - pair.Second, 3, 5));
    }

    [Fact]
    public void Step_OutOfBlocks_TheYoungestLeavesAndTheOldestFinishesFirst()
    {
        var rig = new LoopRig(new FakeExecutorOptions { KvBlocks = 8, ContextLength = 256 }, new EngineOptions());
        var order = new List<long>();
        rig.OnFinished = sequence => order.Add(sequence.Arrival);
        for (int i = 0; i < 3; i++)
        {
            rig.Add([70 + i], 150);
        }

        while (!rig.Loop.IsEmpty)
        {
            rig.Step();
        }

        Assert.Equal([0, 1, 2], order);
        Assert.True(rig.Loop.Statistics.Preemptions > 0);
        Assert.Equal(8, rig.Loop.Statistics.FreeKvBlocks);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Step_SteadyState_AllocatesNothingButUpdates(int promptLookup) => Assert.Equal(0, Allocations.Least(() =>
    {
        var model = new FakeExecutorOptions { MaxRows = 40, ContextLength = 512, Next = PromptLookupTests.Repetitive };
        var rig = new LoopRig(model, new EngineOptions { StreamCapacity = 1000, Speculate = promptLookup });
        for (int i = 0; i < 6; i++)
        {
            var sampling = new SamplingOptions { Temperature = i * 0.3f, TopP = 0.9f, TopK = i * 7, RepetitionPenalty = 1.1f, FrequencyPenalty = 0.1f };
            rig.Add(EngineTest.RandomPrompt(new Random(i), 30), 300, sampling);
        }

        rig.Add(new int[480], 5); // reads its prompt while the others decode
        long allocated = 0;
        for (int tick = 0; tick < 80; tick++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            rig.Loop.Prepare();
            rig.Executor.RunTick();
            rig.Loop.Choose();
            allocated += tick >= 20 ? GC.GetAllocatedBytesForCurrentThread() - before : 0;
            rig.Loop.Send();
        }

        return allocated;
    }));

    /// <summary>A token costs its text, its id, its update, and nothing that grows with the sequence, the batch or the time.</summary>
    [Fact]
    public void Step_SteadyDecoding_AllocatesABoundedNumberOfBytesPerToken() => Assert.InRange(Allocations.Least(() =>
    {
        const int Streams = 4, Ticks = 100;
        var rig = new LoopRig(new FakeExecutorOptions { ContextLength = 512 }, new EngineOptions { Speculate = 0 });
        for (int i = 0; i < Streams; i++)
        {
            rig.Add([65 + i], 400);
        }

        long before = 0;
        for (int tick = 0; tick < 2 * Ticks; tick++)
        {
            before = tick == Ticks ? GC.GetAllocatedBytesForCurrentThread() : before;
            rig.Step();
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before) / (Streams * Ticks);
    }), 1, 140);

    [Fact]
    public void Step_PromptTicks_AllocateNothingAtAll() => Assert.Equal(0, Allocations.Least(() =>
    {
        var rig = new LoopRig(new FakeExecutorOptions { MaxRows = 8, ContextLength = 512 }, new EngineOptions());
        rig.Add(new int[500], 5);
        rig.Step();
        rig.Step();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int tick = 0; tick < 50; tick++)
        {
            rig.Loop.Step();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Step_CancelledDuringATick_HasNoRowInTheNextAndItsBlocksAreBack(bool readingPrompt)
    {
        var rig = new LoopRig(new FakeExecutorOptions { MaxRows = 16, KvBlocks = 40 }, new EngineOptions { PrefixCache = false });
        var stays = rig.Add(new int[10], 100);
        var goes = rig.Add(new int[readingPrompt ? 200 : 40], 100);
        for (int tick = 0; tick < 5; tick++)
        {
            rig.Step();
        }

        Assert.Equal(readingPrompt, !goes.IsDecoding);
        Assert.True(rig.Loop.Prepare());
        Assert.True(rig.RowsOf(goes) > 0);
        goes.Life.RequestCancel();
        rig.Finish();
        int held = rig.Loop.Memory.Held(stays.Slot);

        Assert.True(rig.Loop.Prepare());

        Assert.Equal(FinishReason.Cancelled, goes.Record.Finish);
        Assert.Equal(rig.RowsOf(stays), rig.Executor.Rows.Count);
        Assert.Equal(40 - held, rig.Loop.Statistics.FreeKvBlocks);
    }

    /// <summary>While an older prompt is not read wholly, a younger one has rows only when it is shorter; and only one prompt has a part of its rows.</summary>
    private static void AssertOldestOrShortestPromptFirst(LoopRig rig)
    {
        var prompts = rig.Running.Where(sequence => !sequence.IsDecoding).ToArray();
        for (int i = 0; i < prompts.Length; i++)
        {
            bool complete = rig.RowsOf(prompts[i]) == prompts[i].Pending;
            Assert.All(prompts[(i + 1)..], younger => Assert.True(
                complete || rig.RowsOf(younger) == 0 || younger.Pending < prompts[i].Pending, "a younger prompt overtook one that is no longer"));
        }

        Assert.InRange(prompts.Count(sequence => rig.RowsOf(sequence) is int rows && rows > 0 && rows < sequence.Pending), 0, 1);
    }

    private static void AssertOnlyLastKnownTokenWantsLogits(LoopRig rig)
    {
        var table = rig.Executor.Rows;
        var wanted = table.SelectedRows.ToArray();
        for (int row = 0; row < table.Count; row++)
        {
            var sequence = rig.Running.Single(sequence => sequence.Slot == table.RowSlots[row]);
            Assert.Equal(table.Positions[row] == sequence.Tokens.Length - 1, wanted.Contains(row));
            Assert.Equal(sequence.Tokens[table.Positions[row]], table.Tokens[row]);
        }
    }
}
