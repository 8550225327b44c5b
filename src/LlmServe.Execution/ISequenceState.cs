namespace LlmServe.Execution;

/// <summary>
/// The state of the sequences in the row table's slots, whatever it is made of: KV blocks in groups, fixed-size states beside them. Prefix caching,
/// preemption and speculation go through this and nothing else. Not thread-safe; between ticks.
/// </summary>
public interface ISequenceState
{
    /// <summary>Gives an empty slot what is computed already of the longest possible prefix of <paramref name="tokens"/>.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="tokens">What its sequence has to read.</param>
    /// <param name="most">Most positions that it will ever have.</param>
    /// <returns>Positions that need no computing; the sequence's next row is the one at this position.</returns>
    int Attach(int slot, ReadOnlySpan<int> tokens, int most);

    /// <summary>What <see cref="Attach"/> would return. Changes nothing.</summary>
    int CountKnown(ReadOnlySpan<int> tokens);

    /// <summary>Makes room for the slot's first <paramref name="positions"/> positions; false, and nothing changed, when memory is short.</summary>
    bool TryEnsure(int slot, int positions);

    /// <summary>
    /// The positions of <paramref name="tokens"/> are computed and final. They may be shared from now on, and what no later row sees is given back.
    /// </summary>
    void Commit(int slot, ReadOnlySpan<int> tokens);

    /// <summary>
    /// Keeps the state as of the slot's committed positions, a multiple of <see cref="KvBlock.Positions"/>, so that <see cref="Attach"/> finds it. States
    /// that can be cut anywhere are kept by <see cref="Commit"/> already.
    /// </summary>
    /// <param name="slot">The slot.</param>
    /// <param name="moves">Whether it takes the place of the last one that the slot kept so: of an answer only the end is worth keeping.</param>
    /// <returns>Whether there was room.</returns>
    bool Snapshot(int slot, bool moves);

    /// <summary>Takes back the rows of the last tick from <paramref name="positions"/> on, none of which was committed: rejected drafts.</summary>
    void RollBack(int slot, int positions);

    /// <summary>Empties the slot: its sequence has ended, or is preempted and will be computed again.</summary>
    void Release(int slot);
}
