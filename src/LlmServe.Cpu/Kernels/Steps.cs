using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels;

/// <summary>The entry point of every opcode, over the row kernels of an instruction set. Nothing here allocates.</summary>
internal static unsafe partial class Steps<TRows> where TRows : struct, IRowKernels<TRows>
{
    /// <summary>Rows between the one that a norm works on and the one that it asks memory for.</summary>
    private const int RowsAhead = 2;

    /// <summary>Angles per position, and what cosines and sines are multiplied by.</summary>
    private struct RopeConstants
    {
        public double* Frequencies;
        public int Pairs;
        public float Magnitude;
    }

    /// <summary>Output rows = decoded rows of the embedding table.</summary>
    public static void Embed(Step* step, LaneState* lane)
    {
        var (begin, end) = Share(step, lane);
        for (int row = begin; row < end; row++)
        {
            step->Weight->DecodeRow(step->Weight, lane->Tick->Tokens[row], step->Output.Real(row));
        }
    }

    public static void BindRopeTable(ref Step step, in Instruction instruction, StepResources resources)
    {
        var angles = (RopeAngles)instruction.Detail!;
        step.Detail = resources.Keep(new RopeConstants { Frequencies = resources.Keep(angles.Frequencies), Pairs = angles.Frequencies.Count, Magnitude = angles.Magnitude });
    }

    /// <summary>Cosines, then sines, of each row's position.</summary>
    public static void RopeTable(Step* step, LaneState* lane)
    {
        var constants = (RopeConstants*)step->Detail;
        var (begin, end) = Share(step, lane);
        int pairs = constants->Pairs;
        for (int row = begin; row < end; row++)
        {
            float* table = step->Output.Real(row);
            for (int i = 0; i < pairs; i++)
            {
                var (cosine, sine) = CorrectTrigonometry.CosSin(lane->Tick->Positions[row] * constants->Frequencies[i]);
                (table[i], table[pairs + i]) = constants->Magnitude == 1 ? (cosine, sine) : (cosine * constants->Magnitude, sine * constants->Magnitude);
            }
        }
    }

    /// <summary>Output columns = input columns, in the forms of the output.</summary>
    public static void Copy(Step* step, LaneState* lane)
    {
        var (begin, end) = Share(step, lane);
        for (int row = begin; row < end; row++)
        {
            TRows.WriteForms(step->Input.Real(Source(step, lane, row)) + step->Begin, step->Output, row, step->Begin, step->End - step->Begin);
        }
    }

    /// <summary>Output columns = sum of the inputs.</summary>
    public static void Add(Step* step, LaneState* lane)
    {
        int count = step->End - step->Begin;
        var (begin, end) = Share(step, lane);
        for (int row = begin; row < end; row++)
        {
            float* y = Target(step, lane, row);
            CopyTo(step->Input.Real(row) + step->Begin, y, count);
            TRows.Add(y, step->Input2.Real(row) + step->Begin, count);
            Finish(step, y, row);
        }
    }

    /// <summary>Output columns = input columns + a vector's.</summary>
    public static void AddVector(Step* step, LaneState* lane)
    {
        int count = step->End - step->Begin;
        var (begin, end) = Share(step, lane);
        for (int row = begin; row < end; row++)
        {
            float* y = Target(step, lane, row);
            CopyTo(step->Input.Real(row) + step->Begin, y, count);
            TRows.Add(y, (float*)step->Weight->Raw + step->Begin, count);
            Finish(step, y, row);
        }
    }

    /// <summary>Output columns = input columns · a factor.</summary>
    public static void Scale(Step* step, LaneState* lane)
    {
        int count = step->End - step->Begin;
        var (begin, end) = Share(step, lane);
        for (int row = begin; row < end; row++)
        {
            float* y = Target(step, lane, row);
            TRows.Scale(step->Input.Real(row) + step->Begin, step->Constant, y, count);
            Finish(step, y, row);
        }
    }

    public static void BindActivation(ref Step step, in Instruction instruction, StepResources resources)
    {
        var activation = (ActivationDetail)instruction.Detail!;
        step.Activate = Activations.ActivationTable.LoopOf(activation.Kind, TRows.HasVectors);
        step.Detail = resources.Keep(activation.Parameters);
    }

    /// <summary>Output columns = act(input columns), or act(input columns) · those of another input.</summary>
    public static void Activate(Step* step, LaneState* lane)
    {
        int count = step->End - step->Begin;
        var (begin, end) = Share(step, lane);
        for (int row = begin; row < end; row++)
        {
            float* y = Target(step, lane, row);
            CopyTo(step->Input.Real(row) + step->Begin, y, count);
            float* other = step->Input2.Data == null ? null : step->Input2.Real(row) + step->Begin;
            step->Activate(y, other, count, (float*)step->Detail);
            Finish(step, y, row);
        }
    }

    /// <summary>Rows that a step is for.</summary>
    private static int Rows(Step* step, LaneState* lane) => (step->Selected ? lane->Tick->Selected : lane->Tick->Rows) * step->Copies;

    /// <summary>The share of the rows that an instruction handles.</summary>
    private static (int Begin, int End) Share(Step* step, LaneState* lane)
    {
        long count = Rows(step, lane);
        return ((int)(count * step->FirstShare / lane->Lanes), (int)(count * step->EndShare / lane->Lanes));
    }

    /// <summary>The row of the input that a row of the output is made of.</summary>
    private static int Source(Step* step, LaneState* lane, int row) => step->Gathers ? lane->Tick->SelectedRows[row] : row;

    /// <summary>Where the columns of a row are computed: in the output, where it is plain f32, or in scratch.</summary>
    private static float* Target(Step* step, LaneState* lane, int row) =>
        step->Output.Layout.IsReal ? step->Output.Real(row) + step->Begin : (float*)lane->Scratch;

    /// <summary>Writes the computed columns in the output's forms.</summary>
    private static void Finish(Step* step, float* computed, int row)
    {
        if (!step->Output.Layout.IsReal)
        {
            TRows.WriteForms(computed, step->Output, row, step->Begin, step->End - step->Begin);
        }
    }

    private static void CopyTo(float* from, float* to, int count)
    {
        if (from != to)
        {
            new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count));
        }
    }
}
