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
}
