using LlmServe.Execution;

namespace LlmServe.Engine.Memory;

/// <summary>
/// Blocks of a group whose rows see a window or a chunk of the positions before them. A slot that has entered keeps the right to as many blocks as it can
/// ever need at once, so its growth never fails; blocks that no later row sees are given back, or stay in the cache until somebody needs them.
/// </summary>
internal sealed class WindowBlocks : IGroupBlocks
{
    private readonly RowTable _rows;
    private readonly int _group;
    private readonly KvVisibility _visibility;
    private readonly FreeList _free;
    private readonly int[] _blockOf; // [nodes]; −1: the node has none
    private readonly int[] _nodeOf; // [blocks]; −1: the block belongs to a slot, or is free
    private readonly int[] _users; // [blocks]; slots that see a block of the cache
    private readonly AgedList _idle; // blocks of the cache that no slot sees
    private readonly int[] _first; // [slots], first entry of the slot's table that it holds
    private readonly int[] _end; // [slots], the entry behind the last
    private readonly int[] _reserved; // [slots], blocks that the slot has a right to; 0: it has not entered
    private readonly int _quota;
    private int _allReserved;

    /// <param name="rows">Holds the block tables.</param>
    /// <param name="group">Number of the group.</param>
    /// <param name="description">The group.</param>
    /// <param name="nodes">Nodes of the prefix cache.</param>
    /// <param name="mostAhead">Most positions behind the final ones that a slot has blocks for.</param>
    public WindowBlocks(RowTable rows, int group, KvGroup description, int nodes, int mostAhead)
    {
        _rows = rows;
        _group = group;
        _visibility = description.Visibility;
        _free = new FreeList(description.Blocks);
        _blockOf = Filled(nodes);
        _nodeOf = Filled(description.Blocks);
        _users = new int[description.Blocks];
        _idle = new AgedList(description.Blocks);
        _first = new int[rows.Slots];
        _end = new int[rows.Slots];
        _reserved = new int[rows.Slots];
        _quota = Math.Min(rows.BlocksPerSlot, description.Visibility.MostBlocks(mostAhead));
    }

    public int Count => _free.Size;

    public int Available => _free.Count + _idle.Count;

    public int Cached => _idle.Count;

    public bool HasRoom(int slot, int positions, int most, int spare) => _reserved[slot] > 0 || _allReserved + QuotaFor(most) <= Count;

    public void Ensure(int slot, int positions, int most)
    {
        if (_reserved[slot] == 0)
        {
            _reserved[slot] = QuotaFor(most);
            _allReserved += _reserved[slot];
        }

        var table = _rows.BlockTable(slot, _group);
        int wanted = Math.Min(KvBlock.CountFor(positions), _first[slot] + _reserved[slot]);
        while (_end[slot] < wanted)
        {
            table[_end[slot]++] = Take();
        }
    }

    public bool Knows(ReadOnlySpan<int> path)
    {
        for (int i = FirstSeen(path.Length); i < path.Length; i++)
        {
            if (_blockOf[path[i]] < 0)
            {
                return false;
            }
        }

        return true;
    }

    public void Attach(int slot, ReadOnlySpan<int> path)
    {
        var table = _rows.BlockTable(slot, _group);
        _first[slot] = FirstSeen(path.Length);
        _end[slot] = path.Length;
        for (int i = _first[slot]; i < path.Length; i++)
        {
            table[i] = _blockOf[path[i]];
            See(table[i]);
        }
    }

    public void Commit(int slot, int index, int node)
    {
        if (index < _first[slot])
        {
            return;
        }

        ref int own = ref _rows.BlockTable(slot, _group)[index];
        if (_blockOf[node] < 0)
        {
            _blockOf[node] = own;
            _nodeOf[own] = node;
            _users[own] = 1;
        }
        else
        {
            _free.Give(own);
            own = _blockOf[node];
            See(own);
        }
    }

    public void GiveBack(int slot, int position)
    {
        int seen = Math.Min(_visibility.First(position) / KvBlock.Positions, _end[slot]);
        var table = _rows.BlockTable(slot, _group);
        for (; _first[slot] < seen; _first[slot]++)
        {
            Leave(table[_first[slot]]);
        }
    }

    public int BlockOf(int node) => _blockOf[node];

    public int BlockAt(int slot, int index) => index >= _first[slot] && index < _end[slot] ? _rows.BlockTable(slot, _group)[index] : -1;

    public void SkipTo(int slot, int blocks)
    {
        GiveBack(slot, blocks * KvBlock.Positions);
        _first[slot] = Math.Max(_first[slot], FirstSeen(blocks));
        _end[slot] = Math.Max(_end[slot], _first[slot]);
    }

    public void Release(int slot, int committed)
    {
        var table = _rows.BlockTable(slot, _group);
        for (int i = _end[slot] - 1; i >= _first[slot]; i--)
        {
            Leave(table[i]);
        }

        _first[slot] = 0;
        _end[slot] = 0;
        _allReserved -= _reserved[slot];
        _reserved[slot] = 0;
    }

    public void Drop(int node)
    {
        int block = _blockOf[node];
        if (block >= 0)
        {
            _idle.Remove(block);
            Forget(block);
            _free.Give(block);
        }
    }

    /// <summary>Blocks that a sequence of at most so many positions can need at once.</summary>
    private int QuotaFor(int most) => Math.Min(_quota, KvBlock.CountFor(most));

    private int FirstSeen(int blocks) => Math.Min(_visibility.First(blocks * KvBlock.Positions) / KvBlock.Positions, blocks);

    private void See(int block)
    {
        _idle.Remove(block);
        _users[block]++;
    }

    private void Leave(int block)
    {
        if (_nodeOf[block] < 0)
        {
            _free.Give(block);
        }
        else if (--_users[block] == 0)
        {
            _idle.Append(block);
        }
    }

    private int Take()
    {
        if (_free.Count == 0 && _idle.Oldest is >= 0 and int oldest)
        {
            _idle.Remove(oldest);
            Forget(oldest);
            _free.Give(oldest);
        }

        return _free.TryTake(out int block) ? block : throw new InvalidOperationException("a KV block was promised but none is free");
    }

    private void Forget(int block)
    {
        _blockOf[_nodeOf[block]] = -1;
        _nodeOf[block] = -1;
    }

    private static int[] Filled(int length)
    {
        var array = new int[length];
        Array.Fill(array, -1);
        return array;
    }
}
