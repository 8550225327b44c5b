namespace LlmServe.Compiler.Programs;

/// <summary>
/// Gives every buffer a fixed offset in its arena. Buffers whose lives (first to last phase of use) do not overlap may share bytes; larger buffers are placed
/// first, each at the lowest offset that is free during its life.
/// </summary>
internal static class MemoryPlanner
{
    private const long Alignment = 4096;

    /// <summary>The plan for buffers with these lives.</summary>
    public static MemoryPlan Plan(IReadOnlyList<Buffer> buffers, Life[] lives)
    {
        long[] offsets = new long[buffers.Count];
        Array.Fill(offsets, -1);
        return new MemoryPlan(offsets, Place(BufferPlace.Arena, buffers, lives, offsets), Place(BufferPlace.Lane, buffers, lives, offsets));
    }

    private static long Place(BufferPlace place, IReadOnlyList<Buffer> buffers, Life[] lives, long[] offsets)
    {
        var placed = new List<Buffer>(); // by offset
        foreach (var buffer in buffers.Where(b => b.Place == place && lives[b.Id].IsUsed).OrderByDescending(b => b.Bytes).ThenBy(b => b.Id))
        {
            long offset = 0;
            foreach (var other in placed)
            {
                if (!lives[other.Id].Overlaps(lives[buffer.Id]))
                {
                    continue;
                }

                if (offset + Align(buffer.Bytes) <= offsets[other.Id])
                {
                    break;
                }

                offset = Math.Max(offset, offsets[other.Id] + Align(other.Bytes));
            }

            offsets[buffer.Id] = offset;
            int at = placed.FindIndex(p => offsets[p.Id] > offset);
            placed.Insert(at < 0 ? placed.Count : at, buffer);
        }

        return placed.Count == 0 ? 0 : placed.Max(b => offsets[b.Id] + Align(b.Bytes));
    }

    private static long Align(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
