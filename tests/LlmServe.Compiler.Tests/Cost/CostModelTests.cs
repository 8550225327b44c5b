using FsCheck;
using FsCheck.Fluent;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Operations;
using LlmServe.Execution;
using Interval = LlmServe.Compiler.Cost.Interval;

namespace LlmServe.Compiler.Tests.Cost;

public sealed class CostModelTests
{
    private static readonly CompiledModel Model = PlainTarget.CompileSmall();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Precompute_AnyLoad_EqualsTheSumOverInstructions(int lanes)
    {
        var model = PlainTarget.CompileSmall(lanes);
        var cost = new CostModel(MachineProfile.Nominal, model);
        var prepared = model.Programs.Select(cost.Precompute).ToArray();
        var loads = ArbMap.Default.GeneratorFor<(byte Program, byte Rows, byte Selected, ushort Context)>();
        Check.One(Config.QuickThrowOnFailure.WithReplay(17, 19), Prop.ForAll(loads.ToArbitrary(), sample =>
        {
            int index = sample.Program % model.Programs.Count;
            int rows = 1 + (sample.Rows % model.Programs[index].Rows);
            var load = new TickLoad(rows, sample.Selected % (rows + 1), sample.Context);
            double sum = cost.Tick(model.Programs[index], load);
            return Math.Abs(prepared[index].Seconds(load) - sum) <= 1e-12 * Math.Max(1, sum) && sum > 0;
        }));
    }

    [Fact]
    public void Precompute_EqualLayers_AreKeptOnce()
    {
        var model = PlainTarget.CompileEmbedded();
        var cost = new CostModel(MachineProfile.Nominal, model).Precompute(model.Programs[0]);

        // Embedding, six kinds of phases in a layer, logits.
        Assert.Equal(8, cost.Kinds);
        Assert.Equal((30 * 6) + 2, model.Programs[0].Phases.Count);
    }

    [Fact]
    public void Precompute_ManyLanes_KeepsOnlyThoseThatCanBeTheLast()
    {
        var model = PlainTarget.CompileEmbedded(64);
        var cost = new CostModel(MachineProfile.Nominal, model).Precompute(model.Programs[^1]);
        Assert.InRange(cost.Entries, cost.Kinds, 3 * cost.Kinds);
    }

    [Fact]
    public void Tick_MoreRowsOrContextOrLogits_TakesLonger()
    {
        var cost = new CostModel(MachineProfile.Nominal, Model);
        foreach (var program in Model.Programs.Where(p => p.Rows > 1))
        {
            double half = cost.Tick(program, new TickLoad(program.Rows / 2, 1, 64));
            double full = cost.Tick(program, new TickLoad(program.Rows, 1, 64));
            Assert.True(full > half, $"{program.Rows} rows: {full} against {half}");
            Assert.True(cost.Tick(program, new TickLoad(program.Rows, 1, 65)) > full);
            Assert.True(cost.Tick(program, new TickLoad(program.Rows, program.Rows, 64)) > full);
            Assert.True(cost.Tick(program, new TickLoad(program.Rows, 0, 64)) < full);
        }
    }

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(3, 1, 0)]
    [InlineData(16, 1, 16)]
    [InlineData(16, 0, 16)]
    [InlineData(16, 16, 0)]
    [InlineData(20, 5, 16)]
    public void RunRows_RowsWithoutLogits_AreAStretchOfAPrompt(int rows, int selected, int expected) =>
        Assert.Equal(expected, new TickLoad(rows, selected, 10).RunRows);

    [Fact]
    public void Instruction_FewRows_TakesWhatReadingItsWeightsTakes()
    {
        var machine = MachineProfile.Nominal with { ReadBandwidth = 1e6 };
        var program = Model.Programs[0];
        var matrix = program.Phases.SelectMany(p => p.Lanes[0]).First(i => i.Opcode == Opcodes.GatedMatMul);

        double seconds = new CostModel(machine, Model).Instruction(program, matrix, new TickLoad(1, 1, 1));

        // Two lanes share the bandwidth.
        Assert.Equal(matrix.Bytes * 2 / 1e6, seconds, 12);
    }

    [Fact]
    public void Instruction_ManyRows_TakesTheFirstAndTheFurtherOnes()
    {
        var program = Model.Programs[^1];
        var matrix = program.Phases.SelectMany(p => p.Lanes[1]).First(i => i.Opcode == Opcodes.MatMulAdd);
        var machine = MachineProfile.Nominal with
        {
            ReadBandwidth = 1e15, Kernels = new Dictionary<KernelKey, KernelTime> { [KernelKey.Of(program, matrix)] = new(3e-9, 1e-9) },
        };

        double seconds = new CostModel(machine, Model).Instruction(program, matrix, new TickLoad(20, 1, 1));

        Assert.Equal(matrix.MultiplyAdds * (3e-9 + (19 * 1e-9)), seconds, 12);
    }

    [Fact]
    public void Instruction_MeasuredFromMemory_TakesThatInsteadOfTheBandwidth()
    {
        var program = Model.Programs[0];
        var matrix = program.Phases.SelectMany(p => p.Lanes[0]).First(i => i.Opcode == Opcodes.MatMulAdd);
        var machine = MachineProfile.Nominal with
        {
            Kernels = new Dictionary<KernelKey, KernelTime> { [KernelKey.Of(program, matrix)] = new(3e-9, 1e-9, FirstFromMemory: 7e-9) },
        };

        double seconds = new CostModel(machine, Model).Instruction(program, matrix, new TickLoad(1, 1, 1));

        Assert.Equal(matrix.MultiplyAdds * 7e-9, seconds, 12);
    }

    [Fact]
    public void KernelKey_FewAndManyRows_Differ()
    {
        var keys = Model.Programs.Select(program => KernelKey.Of(program, program.Phases.SelectMany(p => p.Lanes[0]).First(i => i.Opcode == Opcodes.MatMulAdd)));

        Assert.Equal([1, PlainTarget.ManyRows], keys.Select(key => key.KernelFrom).Distinct());
    }

    [Fact]
    public void Timeline_Predicted_AddsUpToTheTick()
    {
        var cost = new CostModel(MachineProfile.Nominal, Model);
        var load = new TickLoad(3, 2, 40);
        var program = Model.ProgramFor(3);

        var timeline = cost.Timeline(program, load);

        Assert.Equal(cost.Tick(program, load), timeline.Seconds, 12);
        Assert.Equal(program.Phases.Count, timeline.Phases.Count);
        Assert.All(timeline.Phases, phase => Assert.All(phase.Lanes, lane => Assert.True(lane.Sum(i => i.Seconds) <= phase.Seconds)));
    }

    [Fact]
    public void TickCost_Asked_AllocatesNothing()
    {
        var cost = new CostModel(MachineProfile.Nominal, Model).Precompute(Model.Programs[^1]);
        double sum = cost.Seconds(new TickLoad(32, 1, 100));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int rows = 1; rows <= 32; rows++)
        {
            sum += cost.Seconds(new TickLoad(rows, 1, 100));
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(sum > 0);
    }

    [Fact]
    public void Median_ThreeTicks_TakesTheMiddleOfEveryNumber()
    {
        var program = Model.Programs[0];
        Timeline Tick(double x) => new(program, [new PhaseTimes(x, [[new Interval(x / 2, x)]])], 10 * x);

        var median = Timeline.Median([Tick(5), Tick(1), Tick(2)]);

        Assert.Equal(20, median.Seconds);
        Assert.Equal(2, median.Phases[0].Seconds);
        Assert.Equal(new Interval(1, 2), median.Phases[0].Lanes[0][0]);
        Assert.Throws<ArgumentException>(() => Timeline.Median([]));
    }

    [Fact]
    public void KvBytesPerPosition_SmallModel_CountsKeysAndValuesOfAllLayers() =>
        Assert.Equal(2 * 2 * 2 * 64 * 2, CostModel.KvBytesPerPosition(Model));
}
