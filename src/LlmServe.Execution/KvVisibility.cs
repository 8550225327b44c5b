namespace LlmServe.Execution;

/// <summary>Which positions a row attends to: those from <see cref="First"/> to its own.</summary>
/// <param name="Window">Most positions, the row's own included; 0: no window.</param>
/// <param name="Chunk">A row sees no position before the last multiple of this; 0: no chunks.</param>
public readonly record struct KvVisibility(int Window = 0, int Chunk = 0)
{
    /// <summary>All positions up to the row's own.</summary>
    public static KvVisibility All => default;

    /// <summary>Whether every row sees all positions before it.</summary>
    public bool IsAll => Window == 0 && Chunk == 0;

    /// <summary>
    /// The first position that a row at <paramref name="position"/> sees. No later row sees one before it, so blocks that lie before it whole can be given
    /// back once every row up to this one is computed and none of them is taken back; their entries in the block table are not read.
    /// </summary>
    public int First(int position)
    {
        int first = Window > 0 ? Math.Max(0, position - Window + 1) : 0;
        return Chunk > 0 ? Math.Max(first, position / Chunk * Chunk) : first;
    }

    /// <summary>The same among the first <paramref name="context"/> positions: what reaches over all of them is no limit.</summary>
    public KvVisibility Within(int context) => new(Window >= context ? 0 : Window, Chunk >= context ? 0 : Chunk);

    /// <summary>
    /// Blocks that a sequence can need at once, where not every position is seen: what a row sees, and what is written, neither of which begins at a block's
    /// border.
    /// </summary>
    /// <param name="ahead">Most positions that are written in a tick.</param>
    public int MostBlocks(int ahead)
    {
        int seen = Window > 0 && Chunk > 0 ? Math.Min(Window, Chunk) : Math.Max(Window, Chunk);
        return KvBlock.CountFor(seen) + KvBlock.CountFor(ahead) + 2;
    }
}
