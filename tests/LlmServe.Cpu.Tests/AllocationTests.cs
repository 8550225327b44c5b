using LlmServe.Execution;
using LlmServe.Testing;

namespace LlmServe.Cpu.Tests;

/// <summary>Tests that count what the whole process allocates, and so must run alone.</summary>
[CollectionDefinition(nameof(Quiet), DisableParallelization = true)]
public sealed class Quiet;

/// <summary>A tick allocates nothing, on any lane: promise 3 of the design.</summary>
[Collection(nameof(Quiet))]
public class AllocationTests
{
    private const int MostTicks = 300;

    [SkippableTheory]
    [InlineData(CpuIsa.Scalar, ActivationMode.Int8, 1)]
    [InlineData(CpuIsa.Scalar, ActivationMode.F32, 2)]
    [InlineData(CpuIsa.Avx2, ActivationMode.Int8, 2)]
    [InlineData(CpuIsa.Avx2, ActivationMode.F32, 3)]
    [InlineData(CpuIsa.Avx512, ActivationMode.Int8, 2)]
    [InlineData(CpuIsa.Avx512, ActivationMode.F32, 1)]
    [InlineData(CpuIsa.Neon, ActivationMode.Int8, 2)]
    [InlineData(CpuIsa.Avx512Vnni, ActivationMode.Int8, 2)]
    [InlineData(CpuIsa.Neon, ActivationMode.F32, 3)]
    public void RunTick_DecodeAndPrefill_AllocatesNothing(CpuIsa isa, ActivationMode mode, int lanes)
    {
        LoadedModel.Require(isa);
        using var model = new LoadedModel(TestData.Local("golden", "quantized", "llama-Q4_K_M.gguf"), new CpuOptions
        {
            Activations = mode,
            Lanes = lanes,
            Isa = isa,
            MaxRowsPerTick = 32,
            MaxSequences = 2,
            ContextLength = 128,
        });
        for (int i = 0; i < 4; i++)
        {
            model.Executor.Rows.BlockTable(0)[i] = i;
            model.Executor.Rows.BlockTable(1)[i] = 4 + i;
        }

        foreach (int rows in isa == CpuIsa.Scalar ? (int[])[1, 2, 5] : [1, 2, 5, 32])
        {
            AssertTickAllocatesNothing(model.Executor, rows);
        }
    }

    private static void AssertTickAllocatesNothing(IProgramExecutor executor, int rows)
    {
        executor.Rows.Clear();
        for (int i = 0; i < rows; i++)
        {
            executor.Rows.Add(slot: i % 2, position: 40 + (i / 2), token: i, select: i == rows - 1);
        }

        executor.RunTick();

        // Other threads of the test host may allocate now and then; a tick that allocates does so every time.
        long leastHere = long.MaxValue, leastAnywhere = long.MaxValue;
        for (int tick = 0; tick < MostTicks && (leastHere > 0 || leastAnywhere > 0); tick++)
        {
            long anywhere = GC.GetTotalAllocatedBytes(precise: true);
            long here = GC.GetAllocatedBytesForCurrentThread();
            executor.RunTick();
            leastHere = Math.Min(leastHere, GC.GetAllocatedBytesForCurrentThread() - here);
            leastAnywhere = Math.Min(leastAnywhere, GC.GetTotalAllocatedBytes(precise: true) - anywhere);
        }

        Assert.Equal(0, leastHere);
        Assert.Equal(0, leastAnywhere);
    }
}
