using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;
using LlmServe.Execution;

namespace LlmServe.Cpu.Kernels;

/// <content>How attention is shared out over the lanes. Every lane makes the same plan from the row table and takes its part.</content>
internal static unsafe partial class Steps<TRows>
{
    public static void BindAttention(ref Step step, in Instruction instruction, StepResources resources)
    {
        var cache = resources.CacheOf(instruction.Opcode == Opcodes.Attention ? instruction.Input2 : instruction.Input);
        float* sinks = step.Weight3 == null ? null : (float*)step.Weight3->Raw;
        step.Detail = resources.Keep(LayerAttention.Of((AttentionShape)instruction.Detail!, cache, sinks));
    }

    /// <summary>
    /// Attention of a lane's share: tiles of consecutive positions (prompt chunks) with one key head each, dealt out in turn; then the remaining rows, cut
    /// by cost between segments and heads. What is cut is joined by <see cref="JoinAttention"/>.
    /// </summary>
    public static void Attention(Step* step, LaneState* lane)
    {
        var tick = lane->Tick;
        int tileRows = TileRows(step);
        Tiles(step, lane, tileRows);
        var share = AttentionShare.Of(SinglesCost(step, tick, tileRows), step->FirstShare, lane->Lanes);
        long at = 0;
        for (var singles = new Singles(tick, tileRows); at < share.End && singles.MoveNext();)
        {
            at = Single(step, lane, singles.Row, share, at);
        }
    }

    /// <summary>Joins what lanes computed of the heads that this lane began and others ended.</summary>
    public static void JoinAttention(Step* step, LaneState* lane)
    {
        var tick = lane->Tick;
        if (lane->Lanes == 1 || !WholeHeads(step))
        {
            return;
        }

        int tileRows = TileRows(step);
        long total = SinglesCost(step, tick, tileRows);
        var share = AttentionShare.Of(total, step->FirstShare, lane->Lanes);
        long at = 0;
        for (var singles = new Singles(tick, tileRows); at < share.End && singles.MoveNext();)
        {
            var item = ItemOf(step, tick, singles.Row);
            long next = at + (item.Cost * KeyHeads(step));
            if (share.End < next)
            {
                int keyHead = (int)((share.End - at) / item.Cost);
                JoinItem(step, lane, singles.Row, keyHead, item, total, at + (keyHead * item.Cost));
            }

            at = next;
        }
    }

    private static LayerAttention* Layer(Step* step) => (LayerAttention*)step->Detail;

    private static int KeyHeads(Step* step) => Layer(step)->QueryHeads / Layer(step)->HeadsPerKeyHead;

    /// <summary>Whether heads can be written one by one: quantized blocks of 32 lie within them.</summary>
    private static bool WholeHeads(Step* step) => Layer(step)->ValueSize % 32 == 0 || !step->Output.Layout.HasBlocks;

    private static int TileRows(Step* step) => WholeHeads(step) ? TRows.TileRows(Layer(step)) : 0;

    private static AttentionItem ItemOf(Step* step, TickState* tick, int row)
    {
        int position = tick->Positions[row];
        return new AttentionItem(Layer(step)->Visibility.First(position), position, Layer(step)->HeadsPerKeyHead);
    }

    /// <summary>Cost of all rows that are not part of tiles.</summary>
    private static long SinglesCost(Step* step, TickState* tick, int tileRows)
    {
        long total = 0;
        for (var singles = new Singles(tick, tileRows); singles.MoveNext();)
        {
            total += ItemOf(step, tick, singles.Row).Cost * KeyHeads(step);
        }

        return total;
    }

    /// <summary>A lane's part of a row that starts at a cost; returns where the next row starts.</summary>
    private static long Single(Step* step, LaneState* lane, int row, in AttentionShare share, long at)
    {
        var item = ItemOf(step, lane->Tick, row);
        int keyHeads = KeyHeads(step);
        long next = at + (item.Cost * keyHeads);
        if (!WholeHeads(step))
        {
            long middle = at + ((next - at) / 2);
            if (middle >= share.Begin && middle < share.End)
            {
                WholeRow(step, lane, row, item);
            }

            return next;
        }

        if (next <= share.Begin || at >= share.End)
        {
            return next;
        }

        for (int keyHead = 0; keyHead < keyHeads; keyHead++, at += item.Cost)
        {
            var (first, end) = share.UnitsOf(item, at);
            if (first < end)
            {
                Units(step, lane, row, keyHead, item, first, end);
            }
        }

        return next;
    }

    /// <summary>
    /// Units [first, end) of an item. Heads whose first segment is among them belong to this lane: their segments are joined as they come, and written when
    /// none is missing. Segments of other heads are kept for the lane to which those belong.
    /// </summary>
    private static void Units(Step* step, LaneState* lane, int row, int keyHead, in AttentionItem item, int first, int end)
    {
        var layer = Layer(step);
        int heads = layer->HeadsPerKeyHead, size = layer->ValueSize, firstSegment = first / heads;
        var parts = PartsOf(step, step->FirstShare);
        float* query = step->Input.Real(row) + (keyHead * heads * layer->KeySize);
        for (int segment = firstSegment; segment * heads < end; segment++)
        {
            int begin = Math.Max(first - (segment * heads), 0), stop = Math.Min(end - (segment * heads), heads);
            int slot = segment == 0 ? LaneParts.Joined : first == 0 ? LaneParts.Current : LaneParts.Segments + segment - firstSegment;
            TRows.AttendSegment(
                layer, lane->Tick, query + (begin * layer->KeySize), row, keyHead, stop - begin, item.FirstSegment + segment, parts.Values(slot, begin), parts.Stats(slot, begin));
            for (int head = Math.Max(first, begin); segment > 0 && head < stop; head++)
            {
                TRows.JoinSegment(
                    parts.Values(LaneParts.Joined, head), parts.Stats(LaneParts.Joined, head), parts.Values(slot, head), parts.Stats(slot, head), size);
            }
        }

        for (int head = first; head < heads && ((item.Segments - 1) * heads) + head < end; head++)
        {
            Finish(step, parts, row, (keyHead * heads) + head, head);
        }
    }

    /// <summary>Ends and writes a head of which all segments are joined.</summary>
    /// <param name="step">The step.</param>
    /// <param name="parts">The lane's parts, which have the head.</param>
    /// <param name="row">The row.</param>
    /// <param name="queryHead">The head's number in the row.</param>
    /// <param name="head">Its number among those that share a key head.</param>
    private static void Finish(Step* step, in LaneParts parts, int row, int queryHead, int head)
    {
        int size = Layer(step)->ValueSize;
        float* o = parts.Values(LaneParts.Joined, head);
        End(Layer(step), o, parts.Stats(LaneParts.Joined, head), queryHead);
        TRows.WriteForms(o, step->Output, row, queryHead * size, size);
    }

    /// <summary>A sink joins last; then what is weighted is divided by the weights.</summary>
    private static void End(LayerAttention* layer, float* o, float* stats, int queryHead)
    {
        if (layer->Sinks != null)
        {
            AttentionEnd.JoinSink(o, stats, layer->Sinks[queryHead], layer->ValueSize);
        }

        TRows.Divide(o, stats[1], layer->ValueSize);
    }

    /// <summary>Joins the rest of an item that this lane began. Its units from the lane's end on are with the following lanes.</summary>
    private static void JoinItem(Step* step, LaneState* lane, int row, int keyHead, in AttentionItem item, long total, long at)
    {
        int heads = Layer(step)->HeadsPerKeyHead, size = Layer(step)->ValueSize;
        var own = PartsOf(step, step->FirstShare);
        var (first, end) = AttentionShare.Of(total, step->FirstShare, lane->Lanes).UnitsOf(item, at);
        for (int head = first; head < Math.Min(heads, end); head++)
        {
            int segment = (end - head + heads - 1) / heads;
            if (segment == item.Segments)
            {
                continue;
            }

            int other = step->FirstShare;
            for (; segment < item.Segments; segment++)
            {
                var (begin, stop) = AttentionShare.Of(total, other, lane->Lanes).UnitsOf(item, at);
                while ((segment * heads) + head >= stop)
                {
                    (begin, stop) = AttentionShare.Of(total, ++other, lane->Lanes).UnitsOf(item, at);
                }

                var parts = PartsOf(step, other);
                int slot = LaneParts.Segments + segment - (begin / heads);
                TRows.JoinSegment(own.Values(LaneParts.Joined, head), own.Stats(LaneParts.Joined, head), parts.Values(slot, head), parts.Stats(slot, head), size);
            }

            Finish(step, own, row, (keyHead * heads) + head, head);
        }
    }

    /// <summary>A row whose heads cannot be written one by one.</summary>
    private static void WholeRow(Step* step, LaneState* lane, int row, in AttentionItem item)
    {
        var layer = Layer(step);
        int heads = layer->HeadsPerKeyHead, size = layer->ValueSize;
        float* output = (float*)lane->Scratch;
        var parts = PartsOf(step, step->FirstShare);
        for (int keyHead = 0; keyHead < KeyHeads(step); keyHead++)
        {
            float* query = step->Input.Real(row) + (keyHead * heads * layer->KeySize);
            for (int segment = 0; segment < item.Segments; segment++)
            {
                int slot = segment == 0 ? LaneParts.Joined : LaneParts.Current;
                TRows.AttendSegment(layer, lane->Tick, query, row, keyHead, heads, item.FirstSegment + segment, parts.Values(slot, 0), parts.Stats(slot, 0));
                for (int head = 0; segment > 0 && head < heads; head++)
                {
                    TRows.JoinSegment(
                        parts.Values(LaneParts.Joined, head), parts.Stats(LaneParts.Joined, head), parts.Values(slot, head), parts.Stats(slot, head), size);
                }
            }

            for (int head = 0; head < heads; head++)
            {
                float* o = parts.Values(LaneParts.Joined, head);
                End(layer, o, parts.Stats(LaneParts.Joined, head), (keyHead * heads) + head);
                new ReadOnlySpan<float>(o, size).CopyTo(new Span<float>(output + (((keyHead * heads) + head) * size), size));
            }
        }

        TRows.WriteForms(output, step->Output, row, 0, layer->QueryHeads * size);
    }

    private static LaneParts PartsOf(Step* step, int lane) => new(step->Parts.Real(lane), Layer(step)->HeadsPerKeyHead, Layer(step)->ValueSize);

    /// <summary>Handles the lane's tiles.</summary>
    private static void Tiles(Step* step, LaneState* lane, int tileRows)
    {
        var tick = lane->Tick;
        int turn = 0;
        for (int row = 0; tileRows > 0 && row < tick->Rows;)
        {
            int run = RunLength(tick, row), last = row + run;
            for (int first = row; run >= TickLoad.ShortestRun && first < last; first += tileRows)
            {
                for (int keyHead = 0; keyHead < KeyHeads(step); keyHead++, turn++)
                {
                    if (turn % lane->Lanes == step->FirstShare)
                    {
                        Tile(step, lane, first, Math.Min(tileRows, last - first), keyHead, tileRows);
                    }
                }
            }

            row = last;
        }
    }

    private static void Tile(Step* step, LaneState* lane, int row, int rows, int keyHead, int tileRows)
    {
        int size = Layer(step)->ValueSize, shared = Layer(step)->HeadsPerKeyHead;
        for (int first = 0, heads; first < shared; first += heads)
        {
            int queryHead = (keyHead * shared) + first;
            heads = Math.Min(shared - first, Simd.AttentionTile.MostHeads);
            float* result = TRows.AttendTile(lane, Layer(step), &step->Input, row, rows, queryHead, heads);
            for (int head = 0; head < heads; head++)
            {
                for (int i = 0; i < rows; i++)
                {
                    TRows.WriteForms(result + (((head * tileRows) + i) * size), step->Output, row + i, (queryHead + head) * size, size);
                }
            }
        }
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

    /// <summary>The rows of a tick that are not part of tiles, in order.</summary>
    private struct Singles(TickState* tick, int tileRows)
    {
        private int _end;

        public int Row { get; private set; } = -1;

        public bool MoveNext()
        {
            Row++;
            while (Row < tick->Rows && Row >= _end)
            {
                int run = RunLength(tick, Row);
                bool isTiled = tileRows > 0 && run >= TickLoad.ShortestRun;
                Row += isTiled ? run : 0;
                _end = isTiled ? _end : Row + run;
            }

            return Row < tick->Rows;
        }
    }
}
