namespace LlmServe.Compiler.Programs;

/// <summary>Offsets of all buffers in their arenas.</summary>
/// <param name="Offsets">Byte offset by buffer id; −1 for buffers that are in none.</param>
/// <param name="Bytes">Size of the shared arena.</param>
/// <param name="LaneBytes">Size of each lane's own arena.</param>
public sealed record MemoryPlan(IReadOnlyList<long> Offsets, long Bytes, long LaneBytes);
