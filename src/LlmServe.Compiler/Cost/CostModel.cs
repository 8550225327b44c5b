using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Cost;

/// <summary>Predicts the time of instructions, phases and ticks of a compiled model on a machine.</summary>
public sealed class CostModel(MachineProfile machine, CompiledModel model)
{
    /// <summary>The machine that times are predicted for.</summary>
    public MachineProfile Machine => machine;

    /// <summary>Cache bytes that one position of a sequence takes, all layers.</summary>
    public static long KvBytesPerPosition(CompiledModel model) => model.Caches.Sum(cache => (long)cache.RowBytes(model.Info.Kv));

    /// <summary>Seconds of one instruction.</summary>
    public double Instruction(StreamProgram program, Instruction instruction, TickLoad load) => Of(program, instruction).Seconds(program.Lanes, load);

    /// <summary>Seconds of one phase, its barrier included: the slowest lane counts.</summary>
    public double Phase(StreamProgram program, Phase phase, TickLoad load) =>
        phase.Lanes.Select(lane => lane.Sum(i => Instruction(program, i, load))).Max() + machine.Barrier;

    /// <summary>Seconds of a whole tick.</summary>
    public double Tick(StreamProgram program, TickLoad load) => program.Phases.Sum(p => Phase(program, p, load)) + machine.TickOverhead;

    /// <summary>The same as <see cref="Tick"/>, prepared for asking often.</summary>
    public TickCost Precompute(StreamProgram program) => new(
        program.Phases.Select(phase => phase.Lanes.Select(lane => Sum(program, lane)).ToArray()),
        program.Lanes, (program.Phases.Count * machine.Barrier) + machine.TickOverhead);

    /// <summary>When every instruction of a tick should run.</summary>
    public Timeline Timeline(StreamProgram program, TickLoad load)
    {
        var phases = program.Phases.Select(phase => new PhaseTimes(
            Phase(program, phase, load), [.. phase.Lanes.Select(lane => Intervals(program, lane, load))])).ToArray();
        return new Timeline(program, phases, phases.Sum(p => p.Seconds) + machine.TickOverhead);
    }

    /// <summary>
    /// Weight bytes that a tick reads: those of all matrices, and of experts those of as many as so many rows choose together when all are as likely.
    /// </summary>
    public static double WeightBytes(StreamProgram program, int rows) => program.Phases.Sum(p => p.Lanes.Sum(lane => lane.Sum(i =>
        i.Opcode.Cost(new CostContext(program, default, 1, KvElement.F16), i).Experts is { Experts: > 0 } experts ? experts.Seconds(rows) : (double)i.Bytes)));

    private Interval[] Intervals(StreamProgram program, IReadOnlyList<Instruction> instructions, TickLoad load)
    {
        var intervals = new Interval[instructions.Count];
        double at = 0;
        for (int i = 0; i < intervals.Length; i++)
        {
            intervals[i] = new Interval(at, Instruction(program, instructions[i], load));
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

    private LaneCost Of(StreamProgram program, Instruction i) => i.Opcode.Cost(
        new CostContext(program, machine.TimeOf(KernelKey.Of(program, i)), program.Lanes / machine.ReadBandwidth, model.Info.Kv), i);
}
