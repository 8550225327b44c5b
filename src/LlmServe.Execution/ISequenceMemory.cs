namespace LlmServe.Execution;

/// <summary>
/// What an executor remembers of sequences between ticks. The engine decides who has which block; the row table says so to the executor. A model has KV
/// groups, or states, or both.
/// </summary>
public interface ISequenceMemory
{
    /// <summary>
    /// Layers whose keys and values are kept together. Groups have block ids of their own; a group's place in this list is its number in
    /// <see cref="RowTable.BlockTable"/>.
    /// </summary>
    IReadOnlyList<KvGroup> KvGroups { get; }

    /// <summary>State of fixed size beside keys and values (recurrent layers, short convolutions); null: the model has none.</summary>
    IStateMemory? States { get; }

    /// <summary>
    /// How blocks and states are laid out. What one executor copied out, another of the same program (<see cref="ModelInfo.ProgramId"/>) and layout can copy in.
    /// Null: nothing can be copied, and the prefix cache stays in memory.
    /// </summary>
    string? Layout => null;

    /// <summary>Copies a block's keys and values, to be kept elsewhere. Between ticks.</summary>
    /// <param name="group">The block's group.</param>
    /// <param name="block">The block.</param>
    /// <param name="bytes">Gets them. [<see cref="KvGroup.BlockBytes"/>]</param>
    void CopyOut(int group, int block, Span<byte> bytes) => throw new NotSupportedException("this executor's blocks cannot be copied");

    /// <summary>Gives a block the keys and values that <see cref="CopyOut"/> copied. Between ticks.</summary>
    /// <param name="group">The block's group.</param>
    /// <param name="block">The block.</param>
    /// <param name="bytes">[<see cref="KvGroup.BlockBytes"/>]</param>
    void CopyIn(int group, int block, ReadOnlySpan<byte> bytes) => throw new NotSupportedException("this executor's blocks cannot be copied");
}
