using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels;

/// <content>Norms.</content>
internal static unsafe partial class Steps<TRows>
{
    private struct NormConstants
    {
        public int Group;
        public bool IsLayerNorm;
    }

    public static void BindNorm(ref Step step, in Instruction instruction, StepResources resources)
    {
        var norm = (NormDetail)instruction.Detail!;
        step.Detail = resources.Keep(new NormConstants { Group = norm.Group, IsLayerNorm = norm.Kind == NormKind.Layer });
    }

    /// <summary>A norm of rows (gathered, when only selected rows take part), or of groups of their columns, into the forms of the output.</summary>
    public static void Norm(Step* step, LaneState* lane)
    {
        var (begin, end) = Share(step, lane);
        var constants = (NormConstants*)step->Detail;
        int group = constants->Group;
        for (int row = begin; row < end; row++)
        {
            int source = Source(step, lane, row);
            float* x = step->Input.Real(source), y = Target(step, lane, row);
            Prefetch.Lines((byte*)step->Input.Real(source + RowsAhead), (step->End - step->Begin) * sizeof(float)); // other lanes have written it
            for (int column = step->Begin; column < step->End; column += group)
            {
                float* gain = OfGroup(step->Weight, column, group);
                if (constants->IsLayerNorm)
                {
                    TRows.LayerNorm(x + column, gain, OfGroup(step->Weight2, column, group), y + (column - step->Begin), group, step->Constant);
                }
                else
                {
                    TRows.RmsNorm(x + column, gain, y + (column - step->Begin), group, step->Constant);
                }
            }

            Finish(step, y, row);
        }
    }

    /// <summary>The numbers of a vector for a group of columns: its own, or those of every group.</summary>
    private static float* OfGroup(Matrix* vector, int column, int group) =>
        vector == null ? null : (float*)vector->Raw + (vector->Columns > group ? column : 0);
}
