using LlmServe.Cpu.Memory;
using LlmServe.Gguf;
using LlmServe.Testing;

namespace LlmServe.Cpu.Tests.Memory;

/// <summary>How much memory keys and values get on machines of all sizes.</summary>
public class KvPlanTests
{
    private const long MiB = 1 << 20, GiB = 1 << 30;

    /// <summary>1 MiB a block of 32 positions: a context takes 64 MiB, and 8 short sequences 128 MiB.</summary>
    private static readonly KvDemand Demand = new([new KvGroupDemand(MiB)], 2048, 8, 100 * MiB, null, null);

    private static MachineMemory Machine(long total, long? available = null) => new(total, available ?? total, "this machine");

    [Fact]
    public void Of_RoomEnough_IsAContextAndTheShortOnes()
    {
        var plan = KvPlan.Of(Demand, Machine(8 * GiB));
        Assert.Equal(64 + (8 * 16), plan.Blocks[0]);
        Assert.Empty(plan.Warnings);
    }

    [Theory]
    [InlineData(428, 100)] // half of what is free beside weights and reserve
    [InlineData(300, 64)] // the context, since it fits
    public void Of_LittleRoom_KeepsTheContextAndAtMostHalf(long availableMiB, int blocks)
    {
        var plan = KvPlan.Of(Demand, Machine(8 * GiB, availableMiB * MiB));
        Assert.Equal(blocks, plan.Blocks[0]);
        Assert.Empty(plan.Warnings);
    }

    [Fact]
    public void Of_LessThanAContext_SaysHowMuchIsHeld()
    {
        var plan = KvPlan.Of(Demand, Machine(8 * GiB, 260 * MiB));
        Assert.Equal(32, plan.Blocks[0]);
        string warning = Assert.Single(plan.Warnings);
        Assert.Contains("32 MiB for keys and values hold 1024 positions", warning, StringComparison.Ordinal);
        Assert.Contains("not 2048; that would take 64 MiB", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_LessThanAShortSequence_IsRefusedWithAllNumbers() =>
        AssertRefused(Demand, Machine(8 * GiB, 240 * MiB), "240 MiB available", "100 MiB of weights", "16 MiB", "512 positions");

    [Fact]
    public void Of_ShortModel_NeedsItsContextAlone() => Assert.Equal(2, KvPlan.Of(Demand with { ContextLength = 64, Sequences = 1 }, Machine(8 * GiB, 231 * MiB)).Blocks[0]);

    [Fact]
    public void Of_MoreAskedThanThereIs_IsRefusedWithBothNumbers()
    {
        AssertRefused(Demand with { AskedBytes = 900 * GiB }, Machine(24 * GiB), "900 GiB", "24 GiB", "100 MiB", "--kv-memory");
        AssertRefused(Demand with { AskedContext = 2_000_000_000 }, Machine(24 * GiB), "2000000000 positions", "61,035.2 GiB", "24 GiB", "--context");
        AssertRefused(Demand with { AskedContext = int.MaxValue }, Machine(24 * GiB), "2147483647 positions", "65,536 GiB", "--context");
    }

    [Fact]
    public void Of_MoreAskedThanIsFreeNow_IsTakenWithAWarning()
    {
        var plan = KvPlan.Of(Demand with { AskedBytes = 400 * MiB, Sequences = 64 }, Machine(8 * GiB, 300 * MiB));
        Assert.Equal(400, plan.Blocks[0]);
        Assert.Contains("only 300 MiB of this machine are available now", Assert.Single(plan.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ContextAskedForAndNotFreeNow_IsKeptWhole()
    {
        var plan = KvPlan.Of(Demand with { AskedContext = 2048 }, Machine(8 * GiB, 250 * MiB));
        Assert.Equal(64, plan.Blocks[0]);
        Assert.Contains("available now", Assert.Single(plan.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(MiB, 1)]
    [InlineData(10 * MiB, 10)]
    [InlineData(4 * GiB, 512)] // more could never be used
    public void Of_BytesAskedFor_AreBlocksFromOneToAllThatSequencesCanUse(long bytes, int blocks)
    {
        var plan = KvPlan.Of(Demand with { AskedBytes = bytes }, Machine(8 * GiB));
        Assert.Equal(blocks, plan.Blocks[0]);
        Assert.Equal(blocks < 64, plan.Warnings.Any(w => w.Contains($"{blocks * 32} positions", StringComparison.Ordinal)));
    }

    /// <summary>Windows of 40 blocks beside the full context; a block of them is a quarter of its size.</summary>
    [Theory]
    [InlineData(8192, 192, 192)] // all that positions of the full group can have
    [InlineData(400, 68, 68)] // half of the 172 MiB that are left
    [InlineData(319, 64, 64)] // the context, since its 80 MiB fit
    [InlineData(290, 49, 49)]
    [InlineData(272, 34, 40)] // a window has room for one sequence at least
    public void Of_GroupWithAWindow_HasAsManyBlocksAsAreUsed(long availableMiB, int full, int windowed)
    {
        var plan = KvPlan.Of(Demand with { Groups = [new KvGroupDemand(MiB), new KvGroupDemand(MiB / 4, 40)] }, Machine(8 * GiB, availableMiB * MiB));
        Assert.Equal([full, windowed], plan.Blocks);
    }

    [Fact]
    public void Of_ManyShortWindows_AreNoMoreThanSequencesUse()
    {
        var plan = KvPlan.Of(Demand with { Groups = [new KvGroupDemand(MiB, 5)] }, Machine(8 * GiB));
        Assert.Equal([40], plan.Blocks);
    }

    [Fact]
    public void Load_MoreThanTheMachineHolds_IsRefusedBeforeWeightsAreRead()
    {
        using var file = GgufFile.Open(TestData.Local("golden", "tiny", "llama.gguf"));
        var options = new CpuOptions { Lanes = 1, MaxRowsPerTick = 1 };
        Assert.Contains("--kv-memory", Assert.Throws<InsufficientMemoryException>(() => CpuBackend.Load(file, options with { KvBytes = 1L << 46 })).Message, StringComparison.Ordinal);
        Assert.Contains("--context", Assert.Throws<InsufficientMemoryException>(() => CpuBackend.Load(file, options with { ContextLength = 2_000_000_000 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_OddSettings_WarnOfEach()
    {
        using var file = GgufFile.Open(TestData.Local("golden", "tiny", "llama.gguf"));
        int lanes = Environment.ProcessorCount + 1;
        using var executor = CpuBackend.Load(file, new CpuOptions { Lanes = lanes, MaxRowsPerTick = 1, MaxSequences = 1, KvBytes = 1, ContextLength = 1000 });

        Assert.Equal(3, executor.Model.Warnings.Count);
        Assert.Contains(executor.Model.Warnings, w => w.Contains("1000 positions is asked for, but the model's own is 256", StringComparison.Ordinal));
        Assert.Contains(executor.Model.Warnings, w => w.Contains("hold 32 positions", StringComparison.Ordinal));
        Assert.Contains(executor.Model.Warnings, w => w.Contains($"{lanes} lanes share {lanes - 1} processor", StringComparison.Ordinal));
    }

    private static void AssertRefused(KvDemand demand, MachineMemory memory, params string[] words)
    {
        var error = Assert.Throws<InsufficientMemoryException>(() => KvPlan.Of(demand, memory));
        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }
}
