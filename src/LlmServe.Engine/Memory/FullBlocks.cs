using LlmServe.Execution;

namespace LlmServe.Engine.Memory;

/// <summary>
/// Blocks of a group whose rows see all positions: a slot needs one for every 32 positions, and a node of the prefix cache always has one. So the blocks that
/// can be taken from the cache are those of its idle nodes.
/// </summary>
/// <param name="rows">Holds the block tables.</param>
/// <param name="group">Number of the group.</param>
/// <param name="count">Blocks that exist.</param>
/// <param name="nodes">The prefix cache's nodes; null: nothing is kept.</param>
/// <param name="evict">Makes the oldest idle node leave the cache.</param>
internal sealed class FullBlocks(RowTable rows, int group, int count, PrefixNodes? nodes, Action evict) : IGroupBlocks
{
    private readonly FreeList _free = new(count);
    private readonly int[] _blockOf = Filled(nodes?.Size ?? 0); // [nodes]; −1: the node has none yet
    private readonly int[] _held = new int[rows.Slots]; // [slots], entries of the slot's table

    public int Count => count;

    public int Available => _free.Count + Cached;

    public int Cached => nodes?.Idle.Count ?? 0;

    /// <summary>Blocks that a slot holds.</summary>
    public int Held(int slot) => _held[slot];

    public bool HasRoom(int slot, int positions, int most, int spare) => Math.Max(0, KvBlock.CountFor(positions) - _held[slot]) + spare <= Available;

    public void Ensure(int slot, int positions, int most)
    {
        var table = rows.BlockTable(slot, group);
        int wanted = KvBlock.CountFor(positions);
        while (_held[slot] < wanted)
        {
            table[_held[slot]++] = Take();
        }
    }

    public void Attach(int slot, ReadOnlySpan<int> path)
    {
        var table = rows.BlockTable(slot, group);
        for (int i = 0; i < path.Length; i++)
        {
            table[i] = _blockOf[path[i]];
        }

        _held[slot] = path.Length;
    }

    public bool Knows(ReadOnlySpan<int> path) => true;

    public void Commit(int slot, int index, int node)
    {
        ref int own = ref rows.BlockTable(slot, group)[index];
        if (_blockOf[node] < 0)
        {
            _blockOf[node] = own;
        }
        else
        {
            _free.Give(own);
            own = _blockOf[node];
        }
    }

    public void GiveBack(int slot, int position)
    {
    }

    public int BlockOf(int node) => _blockOf[node];

    public int BlockAt(int slot, int index) => index < _held[slot] ? rows.BlockTable(slot, group)[index] : -1;

    public void SkipTo(int slot, int blocks)
    {
    }

    public void Release(int slot, int committed)
    {
        var table = rows.BlockTable(slot, group);
        for (int i = _held[slot] - 1; i >= committed; i--)
        {
            _free.Give(table[i]);
        }

        _held[slot] = 0;
    }

    public void Drop(int node)
    {
        _free.Give(_blockOf[node]);
        _blockOf[node] = -1;
    }

    private int Take()
    {
        if (_free.Count == 0)
        {
            evict();
        }

        return _free.TryTake(out int block) ? block : throw new InvalidOperationException("a KV block was promised but none is free");
    }

    private static int[] Filled(int length)
    {
        var array = new int[length];
        Array.Fill(array, -1);
        return array;
    }
}
