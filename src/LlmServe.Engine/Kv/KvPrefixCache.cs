using LlmServe.Execution;

namespace LlmServe.Engine.Kv;

/// <summary>
/// A radix tree over full KV blocks: a node is a block together with the 32 tokens in it, below the node of the block before. Sequences that start
/// with the same tokens share blocks instead of computing them again; by NUMERICS the bits are the same. The tree holds a reference to each of its
/// blocks. Blocks that only the tree refers to are evicted when memory is short, least recently used first.
/// All nodes live in arrays indexed by block id, so nothing is allocated after construction. Not thread-safe.
/// </summary>
internal sealed class KvPrefixCache
{
    /// <summary>Parent of the first block of a sequence.</summary>
    public const int Root = -1;

    private const int NotCached = -2;
    private const int None = -1;

    private readonly KvBlockPool _pool;
    private readonly int[] _tokens; // [blocks, 32]
    private readonly int[] _parents; // [blocks]
    private readonly int[] _buckets; // [power of two], first block of a hash chain
    private readonly int[] _nextInBucket; // [blocks]
    private readonly int[] _newer; // [blocks], neighbours in the list of evictable blocks
    private readonly int[] _older; // [blocks]
    private int _oldest = None;
    private int _newest = None;

    public KvPrefixCache(KvBlockPool pool)
    {
        _pool = pool;
        _tokens = new int[pool.Count * KvBlock.Positions];
        _parents = Filled(pool.Count, NotCached);
        _buckets = Filled((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)pool.Count), None);
        _nextInBucket = Filled(pool.Count, None);
        _newer = Filled(pool.Count, None);
        _older = Filled(pool.Count, None);
    }

    /// <summary>Blocks that only the tree refers to.</summary>
    public int Evictable { get; private set; }

    /// <summary>Whether a block is in the tree.</summary>
    public bool Holds(int block) => _parents[block] != NotCached;

    /// <summary>The block that holds these 32 tokens after <paramref name="parent"/>; −1: none.</summary>
    public int Find(int parent, ReadOnlySpan<int> tokens)
    {
        int block = _buckets[BucketOf(parent, tokens)];
        while (block != None && !(_parents[block] == parent && TokensOf(block).SequenceEqual(tokens)))
        {
            block = _nextInBucket[block];
        }

        return block;
    }

    /// <summary>Adds a full block of a running sequence, whose tokens are not in the tree yet.</summary>
    public void Insert(int parent, ReadOnlySpan<int> tokens, int block)
    {
        _pool.Share(block);
        _parents[block] = parent;
        tokens.CopyTo(TokensOf(block));
        int bucket = BucketOf(parent, tokens);
        _nextInBucket[block] = _buckets[bucket];
        _buckets[bucket] = block;
    }

    /// <summary>A sequence starts to use a block of the tree.</summary>
    public void Acquire(int block)
    {
        if (_pool.References(block) == 1)
        {
            Unlink(block);
        }

        _pool.Share(block);
    }

    /// <summary>
    /// A sequence stops using a block, in the tree or not. Sequences drop their last block first, so that in the list of evictable blocks children
    /// always come before their parents and eviction takes leaves only.
    /// </summary>
    public void Release(int block)
    {
        if (_pool.Release(block) == 1 && Holds(block))
        {
            Append(block);
        }
    }

    /// <summary>Frees the least recently used block that only the tree refers to.</summary>
    public void Evict()
    {
        int block = _oldest;
        if (block == None)
        {
            throw new InvalidOperationException("no KV block can be evicted");
        }

        Unlink(block);
        RemoveFromBucket(block);
        _parents[block] = NotCached;
        _pool.Release(block);
    }

    private Span<int> TokensOf(int block) => _tokens.AsSpan(block * KvBlock.Positions, KvBlock.Positions);

    private int BucketOf(int parent, ReadOnlySpan<int> tokens)
    {
        ulong hash = (ulong)(uint)parent;
        foreach (int token in tokens)
        {
            hash = (hash ^ (uint)token) * 0x9E3779B97F4A7C15;
            hash ^= hash >> 32;
        }

        return (int)hash & (_buckets.Length - 1);
    }

    private void RemoveFromBucket(int block)
    {
        int bucket = BucketOf(_parents[block], TokensOf(block));
        if (_buckets[bucket] == block)
        {
            _buckets[bucket] = _nextInBucket[block];
            return;
        }

        int before = _buckets[bucket];
        while (_nextInBucket[before] != block)
        {
            before = _nextInBucket[before];
        }

        _nextInBucket[before] = _nextInBucket[block];
    }

    private void Append(int block)
    {
        _older[block] = _newest;
        _newer[block] = None;
        if (_newest == None)
        {
            _oldest = block;
        }
        else
        {
            _newer[_newest] = block;
        }

        _newest = block;
        Evictable++;
    }

    private void Unlink(int block)
    {
        int older = _older[block];
        int newer = _newer[block];
        if (older == None)
        {
            _oldest = newer;
        }
        else
        {
            _newer[older] = newer;
        }

        if (newer == None)
        {
            _newest = older;
        }
        else
        {
            _older[newer] = older;
        }

        Evictable--;
    }

    private static int[] Filled(int length, int value)
    {
        var array = new int[length];
        Array.Fill(array, value);
        return array;
    }
}
