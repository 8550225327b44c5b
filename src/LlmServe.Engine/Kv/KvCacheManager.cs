using LlmServe.Execution;

namespace LlmServe.Engine.Kv;

/// <summary>
/// Gives KV blocks to slots and writes their block tables; with a prefix cache, blocks that another sequence has computed are shared.
/// Not thread-safe; nothing is allocated after construction.
/// </summary>
internal sealed class KvCacheManager
{
    private readonly RowTable _rows;
    private readonly KvBlockPool _pool;
    private readonly KvPrefixCache? _prefixes;
    private readonly int[] _held; // [slots], blocks in the slot's table
    private readonly int[] _inTree; // [slots], how many of them, from the first, are in the prefix tree

    /// <param name="rows">Holds the block tables.</param>
    /// <param name="blocks">KV blocks that exist.</param>
    /// <param name="prefixCache">Whether full blocks are kept for later sequences that start with the same tokens.</param>
    public KvCacheManager(RowTable rows, int blocks, bool prefixCache)
    {
        _rows = rows;
        _pool = new KvBlockPool(blocks);
        _prefixes = prefixCache ? new KvPrefixCache(_pool) : null;
        _held = new int[rows.Slots];
        _inTree = new int[rows.Slots];
    }

    /// <summary>KV blocks that exist.</summary>
    public int BlockCount => _pool.Count;

    /// <summary>Blocks that a slot could still get: the free ones, and those kept only for reuse.</summary>
    public int Available => _pool.FreeCount + Cached;

    /// <summary>Blocks that no slot holds and that are kept for reuse.</summary>
    public int Cached => _prefixes?.Evictable ?? 0;

    /// <summary>How many slots hold a block, and one more if it is kept for reuse.</summary>
    public int References(int block) => _pool.References(block);

    /// <summary>Blocks that a slot holds.</summary>
    public int Held(int slot) => _held[slot];

    /// <summary>Blocks that a slot lacks to hold this many positions.</summary>
    public int Missing(int slot, int positions) => Math.Max(0, KvBlock.CountFor(positions) - _held[slot]);

    /// <summary>Gives an empty slot the blocks that are already computed for the longest possible prefix of <paramref name="tokens"/>.</summary>
    /// <returns>Positions that the slot holds now; a multiple of 32.</returns>
    public int Attach(int slot, ReadOnlySpan<int> tokens)
    {
        if (_prefixes is null)
        {
            return 0;
        }

        var table = _rows.BlockTable(slot);
        int parent = KvPrefixCache.Root;
        int count = 0;
        for (; (count + 1) * KvBlock.Positions <= tokens.Length; count++)
        {
            int block = _prefixes.Find(parent, Chunk(tokens, count));
            if (block < 0)
            {
                break;
            }

            _prefixes.Acquire(block);
            table[count] = block;
            parent = block;
        }

        _held[slot] = count;
        _inTree[slot] = count;
        return count * KvBlock.Positions;
    }

    /// <summary>Positions of the longest prefix of <paramref name="tokens"/> that is computed already; a multiple of 32.</summary>
    public int CountKnown(ReadOnlySpan<int> tokens)
    {
        int block = KvPrefixCache.Root;
        int count = 0;
        while (_prefixes is not null && (count + 1) * KvBlock.Positions <= tokens.Length)
        {
            block = _prefixes.Find(block, Chunk(tokens, count));
            if (block < 0)
            {
                break;
            }

            count++;
        }

        return count * KvBlock.Positions;
    }

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

    /// <summary>
    /// Offers the slot's full blocks to others. Where an equal block is known already, the slot changes over to it and its own becomes free.
    /// </summary>
    /// <param name="slot">The slot.</param>
    /// <param name="tokens">The tokens that the model has read: their keys and values are in the blocks.</param>
    public void Commit(int slot, ReadOnlySpan<int> tokens)
    {
        if (_prefixes is null)
        {
            return;
        }

        var table = _rows.BlockTable(slot);
        for (; (_inTree[slot] + 1) * KvBlock.Positions <= tokens.Length; _inTree[slot]++)
        {
            int index = _inTree[slot];
            int parent = index == 0 ? KvPrefixCache.Root : table[index - 1];
            var chunk = Chunk(tokens, index);
            int known = _prefixes.Find(parent, chunk);
            if (known < 0)
            {
                _prefixes.Insert(parent, chunk, table[index]);
            }
            else
            {
                _prefixes.Acquire(known);
                _prefixes.Release(table[index]);
                table[index] = known;
            }
        }
    }

    /// <summary>Drops all blocks of a slot, the last one first.</summary>
    public void Free(int slot)
    {
        var table = _rows.BlockTable(slot);
        while (_held[slot] > 0)
        {
            int block = table[--_held[slot]];
            if (_prefixes is null)
            {
                _pool.Release(block);
            }
            else
            {
                _prefixes.Release(block);
            }
        }

        _inTree[slot] = 0;
    }

    private static ReadOnlySpan<int> Chunk(ReadOnlySpan<int> tokens, int index) => tokens.Slice(index * KvBlock.Positions, KvBlock.Positions);

    private int Take()
    {
        if (_pool.FreeCount == 0)
        {
            _prefixes?.Evict();
        }

        return _pool.TryTake(out int block) ? block : throw new InvalidOperationException("a KV block was promised but none is free");
    }
}
