using LlmServe.Execution;

namespace LlmServe.Engine.Memory.Store;

/// <summary>Moves nodes of the prefix cache between the machine's memory and a store on disk. Between ticks.</summary>
/// <param name="memory">The machine's memory.</param>
/// <param name="sequences">Who has what of it.</param>
/// <param name="store">The store.</param>
internal sealed class PrefixTransfer(ISequenceMemory memory, SequenceMemory sequences, PrefixStore store)
{
    private readonly byte[] _scratch = new byte[Largest(memory)];

    /// <summary>The store.</summary>
    public PrefixStore Store => store;

    /// <summary>Gives a node of the cache to the store, unless it has it.</summary>
    /// <param name="node">The node.</param>
    /// <param name="waits">Whether to wait for a slow disk.</param>
    public void Save(int node, bool waits)
    {
        var nodes = sequences.Nodes!;
        if (store.Has(nodes.Digest(node)))
        {
            return;
        }

        uint groups = 0;
        for (int group = 0; group < sequences.Groups.Count; group++)
        {
            groups |= sequences.Groups[group].BlockOf(node) >= 0 ? 1u << group : 0;
        }

        bool hasState = sequences.Snapshots?.Has(node) ?? false;
        var parent = nodes.Parent(node) == PrefixNodes.Root ? store.Root : nodes.Digest(nodes.Parent(node));
        var header = new NodeHeader(nodes.Digest(node), parent, nodes.Tokens(node).ToArray(), groups, hasState);
        var stored = new StoredNode(header, (int)store.Layout.PayloadBytes(groups, hasState));
        for (int group = 0; group < sequences.Groups.Count; group++)
        {
            if (header.Has(group))
            {
                memory.CopyOut(group, sequences.Groups[group].BlockOf(node), store.Layout.BlockOf(stored, group));
            }
        }

        if (hasState)
        {
            sequences.Snapshots!.CopyOut(node, store.Layout.StateOf(stored));
        }

        store.Write(stored, waits);
    }

    /// <summary>Fills a slot's block with a stored node's parts.</summary>
    public void Fill(int slot, int index, StoredNode node)
    {
        for (int group = 0; group < sequences.Groups.Count; group++)
        {
            int block = sequences.Groups[group].BlockAt(slot, index);
            if (block >= 0 && node.Header.Has(group))
            {
                memory.CopyIn(group, block, store.Layout.BlockOf(node, group));
            }
        }
    }

    /// <summary>Gives a slot the state that a stored node ends with. False when there is no memory for it.</summary>
    public bool FillState(int slot, int node, StoredNode stored)
    {
        if (sequences.Snapshots is not { } snapshots)
        {
            return !sequences.HasStates;
        }

        if (!snapshots.CopyIn(node, store.Layout.StateOf(stored)))
        {
            return false;
        }

        snapshots.Restore(slot, node);
        return true;
    }

    /// <summary>Whether a slot's computed block at an index is what is stored, in every part that both have. Null: there is no such part.</summary>
    public bool? IsEqual(int slot, int index, int node, StoredNode stored)
    {
        bool? isEqual = null;
        for (int group = 0; group < sequences.Groups.Count && isEqual != false; group++)
        {
            int block = sequences.Groups[group].BlockAt(slot, index);
            if (block >= 0 && stored.Header.Has(group))
            {
                var computed = _scratch.AsSpan(0, (int)memory.KvGroups[group].BlockBytes);
                memory.CopyOut(group, block, computed);
                isEqual = computed.SequenceEqual(store.Layout.BlockOf(stored, group));
            }
        }

        if (isEqual != false && stored.Header.HasState && sequences.Snapshots is { } snapshots && snapshots.Has(node))
        {
            var computed = _scratch.AsSpan(0, (int)memory.States!.StateBytes);
            snapshots.CopyOut(node, computed);
            isEqual = computed.SequenceEqual(store.Layout.StateOf(stored));
        }

        return isEqual;
    }

    private static long Largest(ISequenceMemory memory) =>
        Math.Max(memory.States?.StateBytes ?? 0, memory.KvGroups.Select(group => group.BlockBytes).DefaultIfEmpty(0).Max());
}
