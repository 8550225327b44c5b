namespace LlmServe.Engine.Kv;

/// <summary>Owns the ids of all KV blocks and counts who refers to each. Not thread-safe.</summary>
internal sealed class KvBlockPool
{
    private readonly int[] _references; // [blocks]; 0: free
    private readonly int[] _free; // [blocks], a stack

    /// <param name="count">Blocks that exist; ids are 0 … count − 1.</param>
    public KvBlockPool(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _references = new int[count];
        _free = new int[count];
        for (int i = 0; i < count; i++)
        {
            _free[i] = count - 1 - i; // low ids are taken first
        }

        FreeCount = count;
    }

    /// <summary>Blocks that exist.</summary>
    public int Count => _references.Length;

    /// <summary>Blocks that nobody refers to.</summary>
    public int FreeCount { get; private set; }

    /// <summary>How many refer to a block.</summary>
    public int References(int block) => _references[block];

    /// <summary>Takes a free block with one reference; false when there is none.</summary>
    public bool TryTake(out int block)
    {
        if (FreeCount == 0)
        {
            block = -1;
            return false;
        }

        block = _free[--FreeCount];
        _references[block] = 1;
        return true;
    }

    /// <summary>Adds a reference to a block in use: its content is shared, not copied.</summary>
    public void Share(int block)
    {
        if (_references[block] == 0)
        {
            throw new InvalidOperationException($"KV block {block} is free and cannot be shared");
        }

        _references[block]++;
    }

    /// <summary>Drops a reference; the last one frees the block.</summary>
    /// <returns>References that remain.</returns>
    public int Release(int block)
    {
        if (_references[block] == 0)
        {
            throw new InvalidOperationException($"KV block {block} is already free");
        }

        if (--_references[block] == 0)
        {
            _free[FreeCount++] = block;
        }

        return _references[block];
    }
}
