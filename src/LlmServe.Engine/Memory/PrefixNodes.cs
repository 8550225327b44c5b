using LlmServe.Engine.Memory.Store;
using LlmServe.Execution;

namespace LlmServe.Engine.Memory;

/// <summary>
/// The keys of the prefix cache, hash-chained: a node stands for 32 tokens behind those of the node before it, and so for a whole prefix. What belongs to
/// that prefix (KV blocks, a snapshot) is kept by others under the node's number. All nodes live in arrays, so nothing is allocated after construction.
/// Not thread-safe.
/// </summary>
internal sealed class PrefixNodes
{
    /// <summary>Parent of the first node of a prefix.</summary>
    public const int Root = -1;

    /// <summary>No node.</summary>
    public const int None = -1;

    private readonly FreeList _free;
    private readonly int[] _tokens; // [nodes, 32]
    private readonly int[] _parents; // [nodes]
    private readonly int[] _users; // [nodes]; slots whose prefix goes through the node
    private readonly bool[] _isReused; // [nodes]; whether a later sequence found it
    private readonly UInt128[] _digests; // [nodes], of the whole prefix; empty: nobody asks
    private readonly UInt128 _root;
    private readonly int[] _buckets; // [power of two], first node of a hash chain
    private readonly int[] _nextInBucket; // [nodes]

    /// <param name="count">Nodes that there can be.</param>
    /// <param name="root">Digest before the first token; null: nobody asks for digests.</param>
    public PrefixNodes(int count, UInt128? root)
    {
        _root = root ?? default;
        _digests = new UInt128[root is null ? 0 : count];
        _isReused = new bool[count];
        _free = new FreeList(count);
        _tokens = new int[count * KvBlock.Positions];
        _parents = new int[count];
        _users = new int[count];
        _buckets = new int[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)count)];
        Array.Fill(_buckets, None);
        _nextInBucket = new int[count];
        Idle = new AgedList(count);
    }

    /// <summary>Nodes that there can be.</summary>
    public int Size => _free.Size;

    /// <summary>
    /// Nodes that no slot uses, least recently used first. Slots let go of their last node first, so that children always come before their parents.
    /// </summary>
    public AgedList Idle { get; }

    /// <summary>The tokens of a node. [32]</summary>
    public ReadOnlySpan<int> Tokens(int node) => _tokens.AsSpan(node * KvBlock.Positions, KvBlock.Positions);

    /// <summary>The node before a node; <see cref="Root"/>: it is the first.</summary>
    public int Parent(int node) => _parents[node];

    /// <summary>Slots that use a node.</summary>
    public int Users(int node) => _users[node];

    /// <summary>Names the whole prefix up to a node.</summary>
    public UInt128 Digest(int node) => _digests[node];

    /// <summary>Whether a later sequence found a node, so that others may too.</summary>
    public bool IsReused(int node) => _isReused[node];

    /// <summary>Whether a node exists.</summary>
    public bool Exists(int node) => _users[node] > 0 || Idle.Contains(node);

    /// <summary>The node that holds these 32 tokens behind <paramref name="parent"/>; <see cref="None"/>: there is none.</summary>
    public int Find(int parent, ReadOnlySpan<int> tokens)
    {
        int node = _buckets[BucketOf(parent, tokens)];
        while (node != None && !(_parents[node] == parent && Tokens(node).SequenceEqual(tokens)))
        {
            node = _nextInBucket[node];
        }

        return node;
    }

    /// <summary>Adds a node, used by one slot; false when there are as many as there can be.</summary>
    public bool TryAdd(int parent, ReadOnlySpan<int> tokens, out int node)
    {
        if (!_free.TryTake(out node))
        {
            return false;
        }

        _parents[node] = parent;
        _users[node] = 1;
        _isReused[node] = false;
        if (_digests.Length > 0)
        {
            _digests[node] = PrefixStore.Digest(parent == Root ? _root : _digests[parent], tokens);
        }

        tokens.CopyTo(_tokens.AsSpan(node * KvBlock.Positions));
        int bucket = BucketOf(parent, tokens);
        _nextInBucket[node] = _buckets[bucket];
        _buckets[bucket] = node;
        return true;
    }

    /// <summary>Removes an idle node that has no children: the oldest idle one.</summary>
    public void Remove(int node)
    {
        Idle.Remove(node);
        Unchain(node);
        _free.Give(node);
    }

    /// <summary>A slot starts to use a node.</summary>
    public void Acquire(int node)
    {
        Idle.Remove(node);
        _users[node]++;
        _isReused[node] = true;
    }

    /// <summary>A slot stops using a node, after all nodes behind it.</summary>
    public void Release(int node)
    {
        if (--_users[node] == 0)
        {
            Idle.Append(node);
        }
    }

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

    private void Unchain(int node)
    {
        int bucket = BucketOf(_parents[node], Tokens(node));
        if (_buckets[bucket] == node)
        {
            _buckets[bucket] = _nextInBucket[node];
            return;
        }

        int before = _buckets[bucket];
        while (_nextInBucket[before] != node)
        {
            before = _nextInBucket[before];
        }

        _nextInBucket[before] = _nextInBucket[node];
    }
}
