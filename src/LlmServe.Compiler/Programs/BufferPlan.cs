using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Programs;

/// <summary>Where a buffer lives.</summary>
public enum BufferPlace
{
    /// <summary>In the arena, at a fixed offset.</summary>
    Arena,

    /// <summary>The KV cache of one layer's keys or values; the executor knows where.</summary>
    Cache,
}

/// <summary>Storage of one value in a program: rows of equal length.</summary>
/// <param name="Id">Index in <see cref="StreamProgram.Buffers"/>.</param>
/// <param name="Name">For people.</param>
/// <param name="Columns">Numbers per row.</param>
/// <param name="Forms">How they are stored.</param>
/// <param name="RowBytes">Distance between rows, in bytes.</param>
/// <param name="Rows">Most rows.</param>
/// <param name="Lane">The lane that alone uses it, or −1 when it is shared.</param>
/// <param name="Place">Arena or cache.</param>
public sealed record Buffer(int Id, string Name, int Columns, ActivationForms Forms, int RowBytes, int Rows, int Lane, BufferPlace Place)
{
    /// <summary>Bytes in the arena.</summary>
    public long Bytes => Place == BufferPlace.Arena ? (long)RowBytes * Rows : 0;
}

/// <summary>Offsets of all arena buffers.</summary>
/// <param name="Offsets">Byte offset by buffer id; −1 for buffers outside the arena.</param>
/// <param name="Bytes">Size of the arena.</param>
public sealed record MemoryPlan(IReadOnlyList<long> Offsets, long Bytes);
