using LlmServe.Compiler;

namespace LlmServe.Engine.Kv;

/// <summary>Gives KV blocks to slots and writes their block tables. Not thread-safe; nothing is allocated after construction.</summary>
internal sealed class KvCacheManager
{
    private readonly RowTable _rows;
    private readonly KvBlockPool _pool;
    private readonly int[] _held; // [slots], blocks in the slot's table

    /// <param name="rows">Holds the block tables.</param>
    /// <param name="blocks">KV blocks that exist.</param>
    public KvCacheManager(RowTable rows, int blocks)
    {
        _rows = rows;
        _pool = new KvBlockPool(blocks);
        _held = new int[rows.Slots];
    }

    /// <summary>KV blocks that exist.</summary>
    public int BlockCount => _pool.Count;

    /// <summary>Blocks that a slot could still get.</summary>
    public int Available => _pool.FreeCount;

    /// <summary>Blocks that a slot holds.</summary>
    public int Held(int slot) => _held[slot];

    /// <summary>Blocks that a slot lacks to hold this many positions.</summary>
    public int Missing(int slot, int positions) => Math.Max(0, KvBlock.CountFor(positions) - _held[slot]);

    /// <summary>Gives a slot the blocks for its first <paramref name="positions"/> positions; false, and nothing changed, when too few are free.</summary>
    public bool TryEnsure(int slot, int positions)
    {
        int missing = Missing(slot, positions);
        if (missing > Available)
        {
            return false;
        }

        var table = _rows.BlockTable(slot);
        for (; missing > 0; missing--)
        {
            table[_held[slot]++] = Take();
        }

        return true;
    }

    /// <summary>Drops all blocks of a slot.</summary>
    public void Free(int slot)
    {
        var table = _rows.BlockTable(slot);
        while (_held[slot] > 0)
        {
            _pool.Release(table[--_held[slot]]);
        }
    }

    private int Take() =>
        _pool.TryTake(out int block) ? block : throw new InvalidOperationException("a KV block was promised but none is free");
}
