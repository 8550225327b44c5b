using LlmServe.Compiler.Operations;
using LlmServe.Execution;

namespace LlmServe.Cpu.Kernels;

/// <summary>
/// Intermediate results of a lane, where other lanes can read them after the next barrier. In slots of [heads][size] weighted values and [heads][2] largest
/// scores and sums: the segments joined so far of the heads at hand, one segment in the making, and the segments of heads that an earlier lane began.
/// </summary>
/// <param name="data">The lane's memory.</param>
/// <param name="heads">Query heads per key head.</param>
/// <param name="size">Value size.</param>
internal readonly unsafe struct LaneParts(float* data, int heads, int size)
{
    /// <summary>Slots before those of segments.</summary>
    public const int Segments = 2;

    /// <summary>What is joined so far, and a segment in the making.</summary>
    public const int Joined = 0, Current = 1;

    private readonly nint _slot = SlotFloats(heads, size);

    /// <summary>Numbers that a lane needs: <see cref="LlmServe.Compiler.Programs.ITarget.AttentionParts"/>.</summary>
    public static int Floats(AttentionShape shape, int lanes, int rows, int context)
    {
        // A window that does not begin with a segment reaches into one more.
        long segments = shape.MostPositions > 0 && shape.MostPositions < context
            ? AttentionSegment.CountFor(shape.MostPositions) + 1
            : AttentionSegment.CountFor(context);

        // A lane's share of what a tick can have at most; units are rounded at both ends, and may begin and end within a segment's heads.
        long share = (rows * shape.KeyHeads * segments / lanes) + 4;
        long slots = Segments + (lanes == 1 ? 0 : Math.Min(segments, share));
        return checked((int)(slots * SlotFloats(shape.HeadsPerKeyHead, shape.ValueSize)));
    }

    /// <summary>Floats of one slot.</summary>
    public static int SlotFloats(int heads, int size) => heads * (size + 2);

    public float* Values(int slot, int head) => data + (slot * _slot) + (head * size);

    public float* Stats(int slot, int head) => data + (slot * _slot) + (heads * size) + (2 * head);
}
