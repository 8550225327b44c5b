using LlmServe.Execution;

namespace LlmServe.Cpu.Kernels;

/// <summary>
/// The work of a single row for one key head: a unit is one attention segment of one query head, and units stand segment by segment. Units can be cut
/// anywhere over lanes, because a segment's result does not depend on the others.
/// </summary>
/// <param name="positions">Positions that the row sees.</param>
/// <param name="heads">Query heads that share the key head.</param>
internal readonly struct AttentionItem(int positions, int heads)
{
    /// <summary>What a unit costs beside its positions, in positions.</summary>
    private const int Overhead = 16;

    private const int FullCost = AttentionSegment.Positions + Overhead;

    public int Segments { get; } = AttentionSegment.CountFor(positions);

    public int Units => Segments * heads;

    private int LastCost => positions - ((Segments - 1) * AttentionSegment.Positions) + Overhead;

    private int FullUnits => (Segments - 1) * heads;

    /// <summary>Cost of all units, in positions.</summary>
    public long Cost => ((long)FullUnits * FullCost) + ((long)heads * LastCost);

    /// <summary>The first unit whose middle lies at or after a point; all units, where there is none.</summary>
    /// <param name="cost">Distance from the start of the item.</param>
    public int UnitAt(long cost)
    {
        long full = Reached(cost, FullCost);
        return full < FullUnits ? (int)full : FullUnits + (int)Math.Min(heads, Reached(cost - ((long)FullUnits * FullCost), LastCost));
    }

    /// <summary>How many of units that cost the same have their middle before a point.</summary>
    private static long Reached(long cost, int unit) => cost <= unit / 2 ? 0 : (cost - (unit / 2) + unit - 1) / unit;
}

/// <summary>The stretch of a tick's attention of single rows that a lane takes, as costs from the start of the first row.</summary>
/// <param name="Begin">Where the lane begins.</param>
/// <param name="End">Where the next lane begins.</param>
internal readonly record struct AttentionShare(long Begin, long End)
{
    /// <summary>A lane's share of a total.</summary>
    public static AttentionShare Of(long total, int lane, int lanes) => new(total * lane / lanes, total * (lane + 1) / lanes);

    /// <summary>The units of an item that starts at <paramref name="at"/> that fall into the share.</summary>
    public (int First, int End) UnitsOf(in AttentionItem item, long at) => (item.UnitAt(Begin - at), item.UnitAt(End - at));
}

/// <summary>
/// Intermediate results of a lane, where other lanes can read them after the next barrier. In slots of [heads][size] weighted values and [heads][2] largest
/// scores and sums: the segments joined so far of the heads at hand, one segment in the making, and the segments of heads that an earlier lane began.
/// </summary>
/// <param name="data">The lane's memory.</param>
/// <param name="heads">Query heads per key head.</param>
/// <param name="size">Head size.</param>
internal readonly unsafe struct LaneParts(float* data, int heads, int size)
{
    /// <summary>Slots before those of segments.</summary>
    public const int Segments = 2;

    /// <summary>What is joined so far, and a segment in the making.</summary>
    public const int Joined = 0, Current = 1;

    private readonly nint _slot = SlotFloats(heads, size);

    /// <summary>Floats of one slot.</summary>
    public static int SlotFloats(int heads, int size) => heads * (size + 2);

    public float* Values(int slot, int head) => data + (slot * _slot) + (head * size);

    public float* Stats(int slot, int head) => data + (slot * _slot) + (heads * size) + (2 * head);
}
