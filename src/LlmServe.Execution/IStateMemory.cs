namespace LlmServe.Execution;

/// <summary>
/// Fixed-size state of sequences: every slot of the row table has one, and a number of snapshots can be kept beside. All members are called between
/// ticks, by the thread that runs them.
/// </summary>
public interface IStateMemory
{
    /// <summary>Snapshots that can be kept; their numbers are 0 … Snapshots − 1.</summary>
    int Snapshots { get; }

    /// <summary>Bytes of one state.</summary>
    long StateBytes { get; }

    /// <summary>The slot's sequence begins at position 0.</summary>
    void Clear(int slot);

    /// <summary>Keeps the slot's state, as the last tick left it.</summary>
    void Save(int slot, int snapshot);

    /// <summary>Gives the slot a kept state.</summary>
    void Restore(int slot, int snapshot);

    /// <summary>Of the slot's rows in the last tick only the first <paramref name="rows"/> count: the state is as if the others had never been.</summary>
    void Keep(int slot, int rows);

    /// <summary>Copies a kept state, to be kept elsewhere. [<see cref="StateBytes"/>]</summary>
    void CopyOut(int snapshot, Span<byte> bytes) => throw new NotSupportedException("this executor's states cannot be copied");

    /// <summary>Makes a kept state of what <see cref="CopyOut"/> copied. [<see cref="StateBytes"/>]</summary>
    void CopyIn(int snapshot, ReadOnlySpan<byte> bytes) => throw new NotSupportedException("this executor's states cannot be copied");
}
