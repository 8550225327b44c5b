using LlmServe.Execution;

namespace LlmServe.Engine.Memory;

/// <summary>Kept states of fixed size, each under the node of the prefix cache whose last position it belongs to. The least recently used gives way.</summary>
/// <param name="states">The executor's states.</param>
/// <param name="nodes">Nodes of the prefix cache.</param>
internal sealed class Snapshots(IStateMemory states, int nodes)
{
    private readonly FreeList _free = new(states.Snapshots);
    private readonly AgedList _kept = new(states.Snapshots);
    private readonly int[] _snapshotOf = Filled(nodes); // [nodes]; −1: none
    private readonly int[] _nodeOf = Filled(states.Snapshots); // [snapshots]; −1: free

    /// <summary>Snapshots that are kept.</summary>
    public int Count => _kept.Count;

    /// <summary>Whether there is one of a node.</summary>
    public bool Has(int node) => _snapshotOf[node] >= 0;

    /// <summary>Gives a slot the state that is kept under a node.</summary>
    public void Restore(int slot, int node)
    {
        int snapshot = _snapshotOf[node];
        _kept.Remove(snapshot);
        _kept.Append(snapshot);
        states.Restore(slot, snapshot);
    }

    /// <summary>Keeps a slot's state under a node. False when there is no memory for any.</summary>
    public bool Save(int slot, int node)
    {
        if (Has(node))
        {
            return true; // the same prefix leaves the same state
        }

        if (!TryPlace(node, out int snapshot))
        {
            return false;
        }

        states.Save(slot, snapshot);
        return true;
    }

    private bool TryPlace(int node, out int snapshot)
    {
        Drop(node);
        if (_free.Count == 0 && _kept.Oldest is >= 0 and int oldest)
        {
            Drop(_nodeOf[oldest]);
        }

        if (!_free.TryTake(out snapshot))
        {
            return false;
        }

        _snapshotOf[node] = snapshot;
        _nodeOf[snapshot] = node;
        _kept.Append(snapshot);
        return true;
    }

    /// <summary>Copies the state that is kept under a node.</summary>
    public void CopyOut(int node, Span<byte> bytes) => states.CopyOut(_snapshotOf[node], bytes);

    /// <summary>Keeps a state that comes from elsewhere under a node. False when there is no memory for any.</summary>
    public bool CopyIn(int node, ReadOnlySpan<byte> bytes)
    {
        if (!TryPlace(node, out int snapshot))
        {
            return false;
        }

        states.CopyIn(snapshot, bytes);
        return true;
    }

    /// <summary>Forgets the snapshot of a node, if there is one.</summary>
    public void Drop(int node)
    {
        int snapshot = _snapshotOf[node];
        if (snapshot >= 0)
        {
            _kept.Remove(snapshot);
            _snapshotOf[node] = -1;
            _nodeOf[snapshot] = -1;
            _free.Give(snapshot);
        }
    }

    private static int[] Filled(int length)
    {
        var array = new int[length];
        Array.Fill(array, -1);
        return array;
    }
}
