using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Cost;

/// <summary>Predicts the time of phases and ticks from bytes read and multiply-adds.</summary>
public sealed class CostModel(MachineProfile machine, ModelShape shape, KvElement kv)
{
    /// <summary>Seconds of one phase for a tick of <paramref name="rows"/> rows at a mean context of <paramref name="context"/> positions.</summary>
    public double Phase(StreamProgram program, Phase phase, int rows, int selected, int context)
    {
        double slowest = 0;
        foreach (var lane in phase.Lanes)
        {
            double seconds = lane.Sum(i => Instruction(program, i, i.Selected ? selected : rows, context));
            slowest = Math.Max(slowest, seconds);
        }

        return slowest + machine.Barrier;
    }

    /// <summary>Seconds of a whole tick.</summary>
    public double Tick(StreamProgram program, int rows, int selected, int context) =>
        program.Phases.Sum(p => Phase(program, p, rows, selected, context));

    private double Instruction(StreamProgram program, Instruction i, int rows, int context)
    {
        double bandwidth = machine.ReadBandwidth / program.Lanes;
        if (i.Opcode == Opcode.Attention)
        {
            double elements = (double)shape.KeyHeads * shape.HeadSize * 2 * context / program.Lanes;
            double bytes = elements * (kv == KvElement.F16 ? 2 : 4);
            double work = (double)shape.QueryHeads * shape.HeadSize * 2 * context * rows / program.Lanes;
            return Math.Max(bytes / bandwidth, work / (machine.LaneThroughput / 6));
        }

        return rows == 0 ? 0 : Math.Max(i.Bytes / bandwidth, (double)i.MultiplyAdds * rows / machine.LaneThroughput);
    }
}
