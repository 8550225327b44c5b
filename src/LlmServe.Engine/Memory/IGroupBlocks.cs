namespace LlmServe.Engine.Memory;

/// <summary>The blocks of one KV group: which slot has which, and which are kept under the nodes of the prefix cache.</summary>
internal interface IGroupBlocks
{
    /// <summary>Blocks that exist.</summary>
    int Count { get; }

    /// <summary>Blocks that no slot holds, those that are kept for reuse included.</summary>
    int Available { get; }

    /// <summary>Blocks that no slot holds and that are kept for reuse.</summary>
    int Cached { get; }

    /// <summary>Whether the slot can get what it lacks for this many positions, with so many blocks to spare.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="positions">Positions from the first.</param>
    /// <param name="most">Most positions that its sequence will ever have.</param>
    /// <param name="spare">Blocks to spare.</param>
    bool HasRoom(int slot, int positions, int most, int spare);

    /// <summary>Gives the slot blocks for its first positions, as far as the next tick can reach. The caller has asked <see cref="HasRoom"/>.</summary>
    void Ensure(int slot, int positions, int most);

    /// <summary>Gives an empty slot the blocks of a prefix.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="path">Nodes of the prefix, for all of which <see cref="Knows"/> holds.</param>
    void Attach(int slot, ReadOnlySpan<int> path);

    /// <summary>Whether the group has what rows behind a prefix see of it.</summary>
    /// <param name="path">Nodes of the prefix.</param>
    bool Knows(ReadOnlySpan<int> path);

    /// <summary>
    /// The slot's block at <paramref name="index"/> is full and has this node. If the node has a block already the slot changes over to that one and its own
    /// becomes free.
    /// </summary>
    void Commit(int slot, int index, int node);

    /// <summary>All positions before <paramref name="position"/> are final: gives back what no later row sees.</summary>
    void GiveBack(int slot, int position);

    /// <summary>Empties a slot, the last block first.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="committed">How many of its blocks, from the first, have nodes.</param>
    void Release(int slot, int committed);

    /// <summary>The block that is kept under a node; −1: none.</summary>
    int BlockOf(int node);

    /// <summary>The slot's block at an index; −1: it has none there.</summary>
    int BlockAt(int slot, int index);

    /// <summary>The slot's positions before a block border will be filled from elsewhere: gives back, and takes no more, what no row behind the border sees.</summary>
    void SkipTo(int slot, int blocks);

    /// <summary>The node leaves the cache: what is kept under it becomes free.</summary>
    void Drop(int node);
}
