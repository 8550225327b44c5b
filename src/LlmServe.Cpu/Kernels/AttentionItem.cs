using LlmServe.Execution;

namespace LlmServe.Cpu.Kernels;

/// <summary>
/// The work of a single row for one key head: a unit is one attention segment of one query head, and units stand segment by segment. Units can be cut
/// anywhere over lanes, because a segment's result does not depend on the others.
/// </summary>
/// <param name="first">First position that the row sees.</param>
/// <param name="position">Its own position, the last that it sees.</param>
/// <param name="heads">Query heads that share the key head.</param>
internal readonly struct AttentionItem(int first, int position, int heads)
{
    /// <summary>What a unit costs beside its positions, in positions.</summary>
    private const int Overhead = 16;

    private const int FullCost = AttentionSegment.Positions + Overhead;

    /// <summary>The segment that the row's first position is in.</summary>
    public int FirstSegment { get; } = first / AttentionSegment.Positions;

    /// <summary>Segments with positions that the row sees.</summary>
    public int Segments => (position / AttentionSegment.Positions) - FirstSegment + 1;

    public int Units => Segments * heads;

    private int LastCost => (position % AttentionSegment.Positions) + 1 + Overhead;

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
