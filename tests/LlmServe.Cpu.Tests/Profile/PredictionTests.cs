using LlmServe.Compiler.Cost;
using LlmServe.Cpu.Kernels;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Testing;

namespace LlmServe.Cpu.Tests.Profile;

public sealed class PredictionTests : IDisposable
{
    private readonly GgufFile _file = GgufFile.Open(TestData.Local("golden", "quantized", "llama-Q4_0.gguf"));

    private static readonly int[] Tokens = [1, 2, 3, 4, 5];

    public static TheoryData<CpuIsa, ActivationMode> Modes()
    {
        var data = new TheoryData<CpuIsa, ActivationMode>();
        foreach (var isa in Enum.GetValues<CpuIsa>())
        {
            data.Add(isa, ActivationMode.Int8);
            data.Add(isa, ActivationMode.F32);
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Modes))]
    public void MeasureProfile_EveryKernelOfAModel_HasATime(CpuIsa isa, ActivationMode mode)
    {
        Skip.IfNot(IsaSelector.IsSupported(isa), $"SKIPPED: this processor has no {isa}");
        using var file = GgufFile.Open(TestData.Local("golden", "quantized", "llama-Q4_K_M.gguf"));
        var options = Options(isa, mode);
        var model = CpuBackend.CompileOnly(file, options);

        var profile = CpuBackend.MeasureProfile(model, options);

        var keys = model.Programs.SelectMany(p => p.Phases.SelectMany(phase => phase.Lanes).SelectMany(lane => lane).Select(i => KernelKey.Of(p, i))).ToHashSet();
        Assert.True(profile.IsMeasured);
        Assert.True(profile.ReadBandwidth > 0 && double.IsFinite(profile.ReadBandwidth));
        Assert.True(profile.Barrier >= 0 && profile.TickOverhead >= 0);
        Assert.True(keys.SetEquals(profile.Kernels.Keys));
        Assert.All(profile.Kernels.Values, time => Assert.True(time.First + time.PerPosition > 0 && time.First >= 0 && time.Next >= 0 && time.PerPosition >= 0));
    }

    [Fact]
    public void MeasureProfile_Again_GivesTheSameKernels()
    {
        var options = Options(CpuIsa.Scalar, ActivationMode.Int8);
        var model = CpuBackend.CompileOnly(_file, options);

        Assert.Equal(CpuBackend.MeasureProfile(model, options).Kernels, CpuBackend.MeasureProfile(model, options).Kernels);
    }

    [Fact]
    public void Seconds_Asked_GrowsWithTheLoadAndAllocatesNothing()
    {
        using var executor = Load();
        executor.Costs.Measure();
        double one = executor.Costs.Seconds(1, 1, 10);
        long before = GC.GetAllocatedBytesForCurrentThread();

        double far = executor.Costs.Seconds(1, 1, 250);
        double many = executor.Costs.Seconds(16, 16, 10);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(one > 0);
        Assert.True(far >= one, $"{far} at 250 positions, {one} at 10");
        Assert.True(many > one, $"{many} for 16 rows, {one} for one");
    }

    [Fact]
    public void Seconds_BeforeMeasuring_IsThatOfANominalMachine()
    {
        using var executor = Load();
        var cost = new CostModel(MachineProfile.Nominal, executor.Compiled);

        Assert.False(executor.Costs.IsMeasured);
        Assert.False(executor.Profile.IsMeasured);
        Assert.Equal(cost.Tick(executor.Compiled.ProgramFor(5), new TickLoad(5, 2, 20)), executor.Costs.Seconds(5, 2, 20), 12);
    }

    [Fact]
    public void Seconds_AfterMeasuring_IsThatOfTheCostModel()
    {
        using var executor = Load();
        executor.Costs.Measure();
        var cost = new CostModel(executor.Profile, executor.Compiled);

        Assert.Equal(cost.Tick(executor.Compiled.ProgramFor(5), new TickLoad(5, 2, 20)), executor.Costs.Seconds(5, 2, 20), 12);
    }

    [Fact]
    public void MeasureTick_Rows_GivesTheLogitsOfRunTickAndTheTimeOfEveryInstruction()
    {
        using var executor = Load();
        executor.Rows.BlockTable(0)[0] = 0;
        Fill(executor);
        executor.RunTick();
        float[] expected = executor.Logits(0).ToArray();

        Fill(executor);
        var timeline = executor.MeasureTick();

        Assert.Equal(expected, executor.Logits(0).ToArray());
        Assert.Same(executor.Compiled.ProgramFor(Tokens.Length), timeline.Program);
        Assert.Equal(timeline.Program.Phases.Select(p => p.Lanes.Sum(l => l.Count)), timeline.Phases.Select(p => p.Lanes.Sum(l => l.Count)));
        Assert.All(timeline.Phases, phase => Assert.All(phase.Lanes.SelectMany(l => l), i => Assert.True(i.Seconds >= 0 && i.Offset >= 0 && i.Seconds <= timeline.Seconds)));
        Assert.InRange(timeline.Phases.Sum(p => p.Seconds), 0, timeline.Seconds + 1e-9);
    }

    [Fact]
    public void MeasureTick_NoRows_IsRefused()
    {
        using var executor = Load();
        Assert.Throws<InvalidOperationException>(executor.MeasureTick);
    }

    public void Dispose() => _file.Dispose();

    private static void Fill(IMeasuringExecutor executor)
    {
        executor.Rows.Clear();
        for (int i = 0; i < Tokens.Length; i++)
        {
            executor.Rows.Add(0, i, Tokens[i], i == Tokens.Length - 1);
        }
    }

    private IMeasuringExecutor Load() => Assert.IsAssignableFrom<IMeasuringExecutor>(CpuBackend.Load(_file, Options(CpuIsa.Scalar, ActivationMode.Int8)));

    private static CpuOptions Options(CpuIsa isa, ActivationMode mode) =>
        new() { Isa = isa, Activations = mode, Lanes = 2, MaxRowsPerTick = 16, MaxSequences = 2, ContextLength = 256 };
}
