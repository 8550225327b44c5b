namespace LlmServe.Cpu.Kernels;

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
