using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels;

/// <content>Matrices.</content>
internal static unsafe partial class Steps<TRows>
{
    /// <summary>Output columns = matrix rows · input.</summary>
    public static void MatMul(Step* step, LaneState* lane)
    {
        int rows = Rows(step, lane);
        if (rows > 0)
        {
            step->Product(step->Weight, &step->Input, rows, step->Begin, step->End,
                step->Output.Real(0) + step->Begin, step->Output.Layout.RowBytes / sizeof(float), lane->Scratch);
        }
    }

    /// <summary>Output columns += matrix rows · input, a panel at a time.</summary>
    public static void MatMulAdd(Step* step, LaneState* lane)
    {
        int rows = Rows(step, lane);
        float* y = Panels(step, lane, 1, out byte* rest);
        for (int begin = step->Begin; begin < step->End; begin += step->PanelRows)
        {
            int end = Math.Min(step->End, begin + step->PanelRows);
            step->Product(step->Weight, &step->Input, rows, begin, end, y, step->PanelRows, rest);
            for (int row = 0; row < rows; row++)
            {
                TRows.Add(step->Output.Real(row) + begin, y + ((nint)row * step->PanelRows), end - begin);
            }
        }
    }

    /// <summary>Output columns = act(gate rows · input) · (up rows · input), a panel at a time.</summary>
    public static void GatedMatMul(Step* step, LaneState* lane)
    {
        int rows = Rows(step, lane);
        float* gate = Panels(step, lane, 2, out byte* rest);
        float* up = gate + ((nint)rows * step->PanelRows);
        for (int begin = step->Begin; begin < step->End; begin += step->PanelRows)
        {
            int end = Math.Min(step->End, begin + step->PanelRows);
            step->Product(step->Weight, &step->Input, rows, begin, end, gate, step->PanelRows, rest);
            step->Product2(step->Weight2, &step->Input, rows, begin, end, up, step->PanelRows, rest);
            for (int row = 0; row < rows; row++)
            {
                nint at = (nint)row * step->PanelRows;
                step->Activate(gate + at, up + at, end - begin, (float*)step->Detail);
                TRows.WriteForms(gate + at, step->Output, row, begin, end - begin);
            }
        }
    }

    /// <summary>Scratch for <paramref name="count"/> panels of results, and what is left for the matrix kernel.</summary>
    private static float* Panels(Step* step, LaneState* lane, int count, out byte* rest)
    {
        nint bytes = (nint)count * Rows(step, lane) * step->PanelRows * sizeof(float);
        rest = lane->Scratch + ((bytes + 63) & ~(nint)63);
        return (float*)lane->Scratch;
    }
}
