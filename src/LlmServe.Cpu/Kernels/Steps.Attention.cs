using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels;

/// <summary>How attention is shared out over the lanes. Every lane makes the same plan from the row table and takes its part.</summary>
internal static unsafe partial class Steps<TRows>
{
    /// <summary>Shorter runs of positions are handled row by row.</summary>
    private const int ShortestRun = 4;

    /// <summary>
    /// Attention of a lane's share: tiles of consecutive positions (prompt chunks) with one key head each, dealt out in turn; then the remaining rows, as an even
    /// share of all (row, unit) pairs, where a unit is as many heads as fill blocks of 32 columns.
    /// </summary>
    public static void Attention(Step* step, LaneState* lane)
    {
        var tick = lane->Tick;
        bool wholeHeads = tick->Shape.HeadSize % 32 == 0 || !step->Output.Layout.HasBlocks;
        int tileRows = wholeHeads ? TRows.TileRows(tick) : 0;
        int units = wholeHeads ? tick->Shape.QueryHeads : 1;
        int singles = Tiles(step, lane, tileRows);
        var (begin, end) = Share(step, lane, singles * units);
        int single = 0;
        for (int row = 0; row < tick->Rows && single * units < end;)
        {
            int run = RunLength(tick, row);
            if (tileRows > 0 && run >= ShortestRun)
            {
                row += run;
                continue;
            }

            for (int last = row + run; row < last; row++, single++)
            {
                int first = Math.Max(begin - (single * units), 0);
                int count = Math.Min(end - (single * units), units) - first;
                if (count > 0)
                {
                    Single(step, lane, row, first * (tick->Shape.QueryHeads / units), count * (tick->Shape.QueryHeads / units));
                }
            }
        }
    }

    /// <summary>Handles the lane's tiles; returns how many rows are not part of any.</summary>
    private static int Tiles(Step* step, LaneState* lane, int tileRows)
    {
        var tick = lane->Tick;
        if (tileRows == 0)
        {
            return tick->Rows;
        }

        int singles = 0, turn = 0;
        for (int row = 0; row < tick->Rows;)
        {
            int run = RunLength(tick, row);
            if (run < ShortestRun)
            {
                singles += run;
                row += run;
                continue;
            }

            int last = row + run;
            for (int first = row; first < last; first += tileRows)
            {
                for (int keyHead = 0; keyHead < tick->Shape.KeyHeads; keyHead++, turn++)
                {
                    if (turn % lane->Lanes == step->Begin)
                    {
                        Tile(step, lane, first, Math.Min(tileRows, last - first), keyHead, tileRows);
                    }
                }
            }

            row = last;
        }

        return singles;
    }

    private static void Tile(Step* step, LaneState* lane, int row, int rows, int keyHead, int tileRows)
    {
        int size = lane->Tick->Shape.HeadSize, heads = lane->Tick->Shape.HeadsPerKeyHead;
        float* result = TRows.AttendTile(lane, &step->Input, row, rows, step->Layer, keyHead);
        for (int head = 0; head < heads; head++)
        {
            for (int i = 0; i < rows; i++)
            {
                TRows.WriteForms(result + (((head * tileRows) + i) * size), step->Output, row + i, ((keyHead * heads) + head) * size, size);
            }
        }
    }

    private static void Single(Step* step, LaneState* lane, int row, int firstHead, int heads)
    {
        int size = lane->Tick->Shape.HeadSize;
        float* output = (float*)lane->Scratch;
        TRows.Attend(lane, step->Input.Real(row), output, row, step->Layer, firstHead, heads);
        TRows.WriteForms(output, step->Output, row, firstHead * size, heads * size);
    }

    /// <summary>Rows from <paramref name="row"/> on that are consecutive positions of one sequence.</summary>
    private static int RunLength(TickState* tick, int row)
    {
        int end = row + 1;
        while (end < tick->Rows && tick->Slots[end] == tick->Slots[row] && tick->Positions[end] == tick->Positions[end - 1] + 1)
        {
            end++;
        }

        return end - row;
    }
}
