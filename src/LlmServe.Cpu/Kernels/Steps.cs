using LlmServe.Cpu.Execution;
using LlmServe.Execution;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels;

/// <summary>The entry point of every opcode, over the row kernels of an instruction set. Nothing here allocates.</summary>
internal static unsafe partial class Steps<TRows> where TRows : struct, IRowKernels<TRows>
{
    /// <summary>Rows between the one that a norm works on and the one that it asks memory for.</summary>
    private const int RowsAhead = 2;

    /// <summary>Output rows = decoded rows of the embedding table.</summary>
    public static void Embed(Step* step, LaneState* lane)
    {
        var (begin, end) = Share(step, lane, lane->Tick->Rows);
        for (int row = begin; row < end; row++)
        {
            step->Weight->DecodeRow(step->Weight, lane->Tick->Tokens[row], step->Output.Real(row));
        }
    }

    /// <summary>Cosines, then sines, of each row's position.</summary>
    public static void RopeTable(Step* step, LaneState* lane)
    {
        var (begin, end) = Share(step, lane, lane->Tick->Rows);
        int pairs = lane->Tick->Shape.RopePairs;
        for (int row = begin; row < end; row++)
        {
            float* table = step->Output.Real(row);
            for (int i = 0; i < pairs; i++)
            {
                (table[i], table[pairs + i]) = CorrectTrigonometry.CosSin(lane->Tick->Positions[row] * lane->Tick->Shape.RopeFrequencies[i]);
            }
        }
    }

    /// <summary>RMSNorm of rows (gathered, when only selected rows take part) into the forms of the output.</summary>
    public static void Norm(Step* step, LaneState* lane)
    {
        var (begin, end) = Share(step, lane, Rows(step, lane));
        int columns = step->Output.Layout.Columns;
        float* y = (float*)lane->Scratch;
        for (int row = begin; row < end; row++)
        {
            int source = step->Selected ? lane->Tick->SelectedRows[row] : row;
            Prefetch.Lines((byte*)step->Input.Real(source + RowsAhead), columns * sizeof(float)); // other lanes have written it
            TRows.RmsNorm(step->Input.Real(source), (float*)step->Weight->Raw, y, columns, step->Constant);
            TRows.WriteForms(y, step->Output, row, 0, columns);
        }
    }

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

    /// <summary>Output columns = silu(gate rows · input) · (up rows · input), a panel at a time.</summary>
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
                TRows.GateSilu(gate + at, up + at, end - begin);
                TRows.WriteForms(gate + at, step->Output, row, begin, end - begin);
            }
        }
    }

    /// <summary>Rotates query columns in place.</summary>
    public static void RotateQueries(Step* step, LaneState* lane)
    {
        for (int row = 0; row < lane->Tick->Rows; row++)
        {
            Rotate(step, lane, row, step->Output.Real(row));
        }
    }

    /// <summary>Rotates key columns and stores them in the cache.</summary>
    public static void StoreKeys(Step* step, LaneState* lane)
    {
        for (int row = 0; row < lane->Tick->Rows; row++)
        {
            Rotate(step, lane, row, step->Input.Real(row));
            StoreRow(step, lane, row, 0);
        }
    }

    /// <summary>Stores value columns in the cache.</summary>
    public static void StoreValues(Step* step, LaneState* lane)
    {
        for (int row = 0; row < lane->Tick->Rows; row++)
        {
            StoreRow(step, lane, row, lane->Tick->Kv.PanelBytes);
        }
    }

    private static void Rotate(Step* step, LaneState* lane, int row, float* x)
    {
        ref readonly var shape = ref lane->Tick->Shape;
        float* cosines = step->Rope.Real(row), sines = cosines + shape.RopePairs;
        int size = shape.HeadSize;
        for (int column = step->Begin; column < step->End;)
        {
            // A range can start inside a head when neighbours form pairs.
            int inHead = column % size;
            int stop = Math.Min(step->End, column - inHead + size);
            int firstPair = inHead / 2;
            int lastPair = Math.Min(shape.RopePairs, (inHead + stop - column) / 2);
            float* head = x + column - inHead;
            if (shape.RopeHalves)
            {
                TRows.RotateHalves(head, cosines, sines, shape.RopePairs);
            }
            else if (lastPair > firstPair)
            {
                TRows.RotateNeighbours(head + (2 * firstPair), cosines + firstPair, sines + firstPair, lastPair - firstPair);
            }

            column = stop;
        }
    }

    private static void StoreRow(Step* step, LaneState* lane, int row, int panel)
    {
        var tick = lane->Tick;
        int size = tick->Shape.HeadSize, position = tick->Positions[row];
        int block = tick->BlockTables[((nint)tick->Slots[row] * tick->BlocksPerSlot) + (position / KvBlock.Positions)];
        for (int column = step->Begin; column < step->End;)
        {
            int inHead = column % size;
            int count = Math.Min(step->End - column, size - inHead);
            byte* target = tick->Kv.Keys(block, step->Layer, column / size) + panel;
            TRows.StoreCache(step->Input.Real(row) + column, target, position % KvBlock.Positions, inHead, count, tick->Kv);
            column += count;
        }
    }

    private static int Rows(Step* step, LaneState* lane) => step->Selected ? lane->Tick->Selected : lane->Tick->Rows;

    /// <summary>The part of <paramref name="count"/> things that a lane handles.</summary>
    private static (int Begin, int End) Share(Step* step, LaneState* lane, int count) =>
        ((int)((long)count * step->Begin / lane->Lanes), (int)((long)count * step->End / lane->Lanes));

    /// <summary>Scratch for <paramref name="count"/> panels of results, and what is left for the matrix kernel.</summary>
    private static float* Panels(Step* step, LaneState* lane, int count, out byte* rest)
    {
        nint bytes = (nint)count * Rows(step, lane) * step->PanelRows * sizeof(float);
        rest = lane->Scratch + ((bytes + 63) & ~(nint)63);
        return (float*)lane->Scratch;
    }
}
