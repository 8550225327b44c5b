using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels;

/// <content>Norms.</content>
internal static unsafe partial class Steps<TRows>
{
    public static void BindNorm(ref Step step, in Instruction instruction, StepResources resources) =>
        step.Detail = resources.Keep(((NormDetail)instruction.Detail!).Group);

    /// <summary>A norm of rows (gathered, when only selected rows take part), or of groups of their columns, into the forms of the output.</summary>
    public static void Norm(Step* step, LaneState* lane)
    {
        var (begin, end) = Share(step, lane);
        int group = *(int*)step->Detail;
        float* gain = step->Weight == null ? null : (float*)step->Weight->Raw;
        bool ownGains = gain != null && step->Weight->Columns > group;
        for (int row = begin; row < end; row++)
        {
            int source = Source(step, lane, row);
            float* x = step->Input.Real(source), y = Target(step, lane, row);
            Prefetch.Lines((byte*)step->Input.Real(source + RowsAhead), (step->End - step->Begin) * sizeof(float)); // other lanes have written it
            for (int column = step->Begin; column < step->End; column += group)
            {
                TRows.RmsNorm(x + column, ownGains ? gain + column : gain, y + (column - step->Begin), group, step->Constant);
            }

            Finish(step, y, row);
        }
    }
}
