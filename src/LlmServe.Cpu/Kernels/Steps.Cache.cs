using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;
using LlmServe.Execution;

namespace LlmServe.Cpu.Kernels;

/// <content>Rotation, and what goes into the cache.</content>
internal static unsafe partial class Steps<TRows>
{
    private struct RotateConstants
    {
        public int HeadSize;
        public int First;
        public int Pairs;
        public bool AreHalves;
    }

    private struct StoreConstants
    {
        public CacheLayout Cache;

        /// <summary>Of the keys, or the values.</summary>
        public PanelLayout Panel;

        /// <summary>From a head's keys to what is stored.</summary>
        public int PanelOffset;

        /// <summary>Elements of a head that the input has, and the first of them in the head.</summary>
        public int Size;
        public int First;
    }

    public static void BindRotate(ref Step step, in Instruction instruction, StepResources resources)
    {
        var layout = (RopeLayout)instruction.Detail!;
        step.Detail = resources.Keep(new RotateConstants
        {
            HeadSize = layout.HeadSize, First = layout.First, Pairs = step.Input2.Layout.Columns / 2, AreHalves = layout.Pairing == RopePairing.Halves,
        });
    }

    /// <summary>Rotates columns; they stand in the output, or are copied there.</summary>
    public static void Rotate(Step* step, LaneState* lane)
    {
        var constants = (RotateConstants*)step->Detail;
        var (begin, end) = Share(step, lane);
        for (int row = begin; row < end; row++)
        {
            float* x = step->Output.Real(row);
            CopyTo(step->Input.Real(row) + step->Begin, x + step->Begin, step->End - step->Begin);
            Rotate(step, constants, step->Input2.Real(row), x);
        }
    }

    private static void Rotate(Step* step, RotateConstants* constants, float* cosines, float* x)
    {
        float* sines = cosines + constants->Pairs;
        int size = constants->HeadSize;
        for (int column = step->Begin; column < step->End;)
        {
            // A range can start inside a head when neighbours form pairs.
            int inHead = column % size;
            int stop = Math.Min(step->End, column - inHead + size);
            float* first = x + (column - inHead) + constants->First;
            if (constants->AreHalves)
            {
                TRows.RotateHalves(first, cosines, sines, constants->Pairs);
            }
            else
            {
                int firstPair = Math.Max(0, (inHead - constants->First) / 2);
                int lastPair = Math.Min(constants->Pairs, (inHead + stop - column - constants->First) / 2);
                if (lastPair > firstPair)
                {
                    TRows.RotateNeighbours(first + (2 * firstPair), cosines + firstPair, sines + firstPair, lastPair - firstPair);
                }
            }

            column = stop;
        }
    }

    public static void BindStore(ref Step step, in Instruction instruction, StepResources resources)
    {
        var layout = (StoreDetail)instruction.Detail!;
        var cache = resources.CacheOf(instruction.Output);
        step.Detail = resources.Keep(new StoreConstants
        {
            Cache = cache,
            Panel = layout.AreValues ? cache.Values : cache.Keys,
            PanelOffset = layout.AreValues ? cache.ValuesOffset : 0,
            Size = layout.Size,
            First = layout.First,
        });
    }

    /// <summary>Stores key or value columns in the cache.</summary>
    public static void Store(Step* step, LaneState* lane)
    {
        var constants = (StoreConstants*)step->Detail;
        var tick = lane->Tick;
        var (begin, end) = Share(step, lane);
        for (int row = begin; row < end; row++)
        {
            int position = tick->Positions[row], block = constants->Cache.Table(tick->Slots[row])[position / KvBlock.Positions];
            for (int column = step->Begin; column < step->End;)
            {
                int inHead = column % constants->Size;
                int count = Math.Min(step->End - column, constants->Size - inHead);
                byte* panel = constants->Cache.KeysOf(block, column / constants->Size) + constants->PanelOffset;
                TRows.StoreCache(step->Input.Real(row) + column, panel, position % KvBlock.Positions, constants->First + inHead, count, constants->Panel);
                column += count;
            }
        }
    }
}
