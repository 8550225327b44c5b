namespace LlmServe.Compiler.Programs;

/// <summary>
/// Gives every arena buffer a fixed offset. Buffers whose lives (first to last phase of use) do not overlap may share bytes;
/// larger buffers are placed first, each at the lowest offset that is free during its life.
/// </summary>
internal static class MemoryPlanner
{
    private const long Alignment = 4096;

    public static MemoryPlan Plan(IReadOnlyList<Buffer> buffers, IReadOnlyList<Phase> phases, int keepUntilEnd)
    {
        var lives = Liveness.Compute(buffers, phases);
        lives[keepUntilEnd] = lives[keepUntilEnd] with { Last = phases.Count };
        long[] offsets = new long[buffers.Count];
        Array.Fill(offsets, -1);
        var placed = new List<Buffer>();
        foreach (var buffer in buffers.Where(b => b.Place == BufferPlace.Arena && lives[b.Id].IsUsed).OrderByDescending(b => b.Bytes).ThenBy(b => b.Id))
        {
            offsets[buffer.Id] = LowestFree(buffer, placed.Where(p => lives[p.Id].Overlaps(lives[buffer.Id])), offsets);
            placed.Add(buffer);
        }

        long bytes = placed.Count == 0 ? 0 : placed.Max(b => offsets[b.Id] + Align(b.Bytes));
        return new MemoryPlan(offsets, bytes);
    }

    private static long LowestFree(Buffer buffer, IEnumerable<Buffer> taken, long[] offsets)
    {
        long offset = 0;
        foreach (var other in taken.OrderBy(t => offsets[t.Id]))
        {
            if (offset + Align(buffer.Bytes) <= offsets[other.Id])
            {
                break;
            }

            offset = Math.Max(offset, offsets[other.Id] + Align(other.Bytes));
        }

        return offset;
    }

    private static long Align(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}

/// <summary>First and last phase in which a buffer is used.</summary>
internal readonly record struct Life(int First, int Last)
{
    public bool IsUsed => Last >= First;

    public bool Overlaps(Life other) => First <= other.Last && other.First <= Last;
}

/// <summary>Computes lives from what instructions read and write.</summary>
internal static class Liveness
{
    public static Life[] Compute(IReadOnlyList<Buffer> buffers, IReadOnlyList<Phase> phases)
    {
        var lives = new Life[buffers.Count];
        Array.Fill(lives, new Life(int.MaxValue, -1));
        for (int p = 0; p < phases.Count; p++)
        {
            foreach (var access in phases[p].Lanes.SelectMany(lane => lane).SelectMany(Access.Of))
            {
                var life = lives[access.Buffer];
                lives[access.Buffer] = new Life(Math.Min(life.First, p), Math.Max(life.Last, p));
            }
        }

        return lives;
    }
}
