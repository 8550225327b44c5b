using LlmServe.Execution;

namespace LlmServe.Engine.Memory.Store;

/// <summary>How large the parts of a stored node are, and which prefixes of stored nodes a sequence can start behind.</summary>
internal sealed class StoreLayout
{
    /// <summary>Most groups that a node has bits for.</summary>
    public const int MostGroups = 32;

    private readonly KvGroup[] _groups;
    private readonly int _stateBytes; // 0: the model has no states

    /// <param name="memory">The machine's memory.</param>
    public StoreLayout(ISequenceMemory memory)
    {
        _groups = [.. memory.KvGroups];
        _stateBytes = checked((int)(memory.States?.StateBytes ?? 0));
    }

    /// <summary>Whether a node can have these parts.</summary>
    public bool HasParts(uint groups, bool hasState) => ((ulong)groups >> _groups.Length) == 0 && (!hasState || _stateBytes > 0);

    /// <summary>Bytes of a node with these parts.</summary>
    public long PayloadBytes(uint groups, bool hasState)
    {
        long bytes = hasState ? _stateBytes : 0;
        for (int group = 0; group < _groups.Length; group++)
        {
            bytes += (groups >> group & 1) != 0 ? _groups[group].BlockBytes : 0;
        }

        return bytes;
    }

    /// <summary>The bytes of a group's block.</summary>
    public Span<byte> BlockOf(StoredNode node, int group)
    {
        long start = PayloadBytes(node.Header.Groups & ((1u << group) - 1), false);
        return node.Payload.Slice((int)start, (int)_groups[group].BlockBytes);
    }

    /// <summary>The bytes of the state.</summary>
    public Span<byte> StateOf(StoredNode node) => node.Payload[^_stateBytes..];

    /// <summary>How many of the nodes, from the first, make a prefix that a sequence can start behind.</summary>
    public int UsableDepth(IReadOnlyList<NodeHeader> nodes)
    {
        int usable = 0;
        for (int depth = 1; depth <= nodes.Count && HasFull(nodes[depth - 1]); depth++)
        {
            usable = (_stateBytes == 0 || nodes[depth - 1].HasState) && SeesAll(nodes, depth) ? depth : usable;
        }

        return usable;
    }

    private bool HasFull(NodeHeader node)
    {
        for (int group = 0; group < _groups.Length; group++)
        {
            if (_groups[group].Visibility.IsAll && !node.Has(group))
            {
                return false;
            }
        }

        return true;
    }

    private bool SeesAll(IReadOnlyList<NodeHeader> nodes, int depth)
    {
        for (int group = 0; group < _groups.Length; group++)
        {
            for (int i = _groups[group].Visibility.First(depth * KvBlock.Positions) / KvBlock.Positions; i < depth; i++)
            {
                if (!nodes[i].Has(group))
                {
                    return false;
                }
            }
        }

        return true;
    }
}
