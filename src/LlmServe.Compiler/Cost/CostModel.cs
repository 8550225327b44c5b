using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Cost;

/// <summary>Predicts the time of instructions, phases and ticks of a compiled model on a machine.</summary>
public sealed class CostModel(MachineProfile machine, CompiledModel model)
{
    private readonly ModelShape _shape = model.Graph.Shape;

    /// <summary>The machine that times are predicted for.</summary>
    public MachineProfile Machine => machine;

    /// <summary>Cache bytes that one position of a sequence takes, all layers.</summary>
    public static long KvBytesPerPosition(CompiledModel model)
    {
        var shape = model.Graph.Shape;
        return 2L * shape.Layers * shape.KeyHeads * KvBlock.RowBytes(model.Info.Kv, shape.HeadSize);
    }

    /// <summary>Seconds of one instruction.</summary>
    public double Instruction(StreamProgram program, int lane, Instruction instruction, TickLoad load) =>
        Of(program, instruction).Seconds(lane, program.Lanes, _shape.QueryHeads, load);

    /// <summary>Seconds of one phase, its barrier included: the slowest lane counts.</summary>
    public double Phase(StreamProgram program, Phase phase, TickLoad load) =>
        phase.Lanes.Select((lane, index) => lane.Sum(i => Instruction(program, index, i, load))).Max() + machine.Barrier;

    /// <summary>Seconds of a whole tick.</summary>
    public double Tick(StreamProgram program, TickLoad load) => program.Phases.Sum(p => Phase(program, p, load)) + machine.TickOverhead;

    /// <summary>The same as <see cref="Tick"/>, prepared for asking often.</summary>
    public TickCost Precompute(StreamProgram program) => new(
        program.Phases.Select(phase => phase.Lanes.Select(lane => Sum(program, lane)).ToArray()),
        program.Lanes, _shape.QueryHeads, (program.Phases.Count * machine.Barrier) + machine.TickOverhead);

    /// <summary>When every instruction of a tick should run.</summary>
    public Timeline Timeline(StreamProgram program, TickLoad load)
    {
        var phases = program.Phases.Select(phase => new PhaseTimes(
            Phase(program, phase, load), [.. phase.Lanes.Select((lane, index) => Intervals(program, index, lane, load))])).ToArray();
        return new Timeline(program, phases, phases.Sum(p => p.Seconds) + machine.TickOverhead);
    }

    private Interval[] Intervals(StreamProgram program, int lane, IReadOnlyList<Instruction> instructions, TickLoad load)
    {
        var intervals = new Interval[instructions.Count];
        double at = 0;
        for (int i = 0; i < intervals.Length; i++)
        {
            intervals[i] = new Interval(at, Instruction(program, lane, instructions[i], load));
            at += intervals[i].Seconds;
        }

        return intervals;
    }

    private LaneCost Sum(StreamProgram program, IReadOnlyList<Instruction> lane)
    {
        var sum = default(LaneCost);
        foreach (var instruction in lane)
        {
            sum += Of(program, instruction);
        }

        return sum;
    }

    private LaneCost Of(StreamProgram program, Instruction i)
    {
        double bytesPerHeadPosition = 2.0 * KvBlock.RowBytes(model.Info.Kv, _shape.HeadSize) / _shape.HeadsPerKeyHead;
        return LaneCost.Of(i, program.Lanes, KernelKey.UnitsPerRow(i, _shape), machine.TimeOf(KernelKey.Of(program, i)),
            program.Lanes / machine.ReadBandwidth, bytesPerHeadPosition);
    }
}
