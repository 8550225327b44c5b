using LlmServe.Engine.Memory.Store;
using LlmServe.Execution;

namespace LlmServe.Engine.Memory;

/// <summary>
/// What the sequences in the row table's slots have of the machine's memory: KV blocks in groups, and states. With a prefix cache, what one sequence has
/// computed is kept, and shared by others that start with the same tokens; by docs/numerics.md the bits are the same. Nobody writes to a block that is shared: a
/// sequence writes behind its last full block. Not thread-safe; nothing is allocated after construction.
/// </summary>
internal sealed class SequenceMemory : ISequenceState
{
    private const int MostNodes = 1 << 16;

    private readonly IGroupBlocks[] _groups;
    private readonly FullBlocks? _main; // the group that is counted where one figure must do
    private readonly IStateMemory? _states;
    private readonly PrefixNodes? _nodes;
    private readonly Snapshots? _snapshots;
    private readonly PrefixTransfer? _transfer;
    private readonly int _blocksPerSlot;
    private readonly int[] _paths; // [slots, blocks per slot], nodes of the slot's committed blocks
    private readonly int[] _pathLengths; // [slots]
    private readonly int[] _final; // [slots], positions that are committed
    private readonly int[] _most; // [slots], positions that the slot's sequence can reach
    private readonly int[] _matched; // [slots], blocks in which the slot's sequence was like one before it
    private readonly int[] _moving; // [slots], node of the slot's moving snapshot
    private readonly int[] _found; // [blocks per slot], scratch
    private int _foundCount;

    /// <param name="rows">Holds the block tables.</param>
    /// <param name="memory">The machine's memory.</param>
    /// <param name="prefixCache">Whether what is computed is kept for later sequences that start with the same tokens.</param>
    /// <param name="mostAhead">Most positions behind the committed ones that a slot writes to.</param>
    /// <param name="store">Where what is kept goes beyond the machine's memory; null: nowhere.</param>
    public SequenceMemory(RowTable rows, ISequenceMemory memory, bool prefixCache, int mostAhead, PrefixStore? store = null)
    {
        _states = memory.States;
        _blocksPerSlot = rows.BlocksPerSlot;
        int nodes = prefixCache ? NodesFor(rows, memory) : 0;
        _nodes = nodes > 0 ? new PrefixNodes(nodes, store?.Root) : null;
        _snapshots = _states is not null && _nodes is not null ? new Snapshots(_states, nodes) : null;
        _groups = [.. memory.KvGroups.Select((group, number) => group.Visibility.IsAll
            ? (IGroupBlocks)new FullBlocks(rows, number, group.Blocks, _nodes, EvictNode)
            : new WindowBlocks(rows, number, group, nodes, mostAhead))];
        _transfer = store is null || _nodes is null ? null : new PrefixTransfer(memory, this, store);
        _main = _groups.OfType<FullBlocks>().MinBy(group => group.Count);
        _paths = new int[rows.Slots * rows.BlocksPerSlot];
        _pathLengths = new int[rows.Slots];
        _final = new int[rows.Slots];
        _most = new int[rows.Slots];
        _matched = new int[rows.Slots];
        _moving = new int[rows.Slots];
        Array.Fill(_moving, PrefixNodes.None);
        _found = new int[rows.BlocksPerSlot];
    }

    /// <summary>KV blocks that exist; where groups differ, of the scarcest that grows with every position.</summary>
    public int BlockCount => _main?.Count ?? 0;

    /// <summary>Blocks that a slot could still get: the free ones, and those kept only for reuse.</summary>
    public int Available => _main?.Available ?? 0;

    /// <summary>Blocks that no slot holds and that are kept for reuse.</summary>
    public int Cached => _main?.Cached ?? 0;

    /// <summary>States that are kept for reuse.</summary>
    public int CachedStates => _snapshots?.Count ?? 0;

    /// <summary>Whether positions have states beside keys and values, which are kept at chosen places only.</summary>
    public bool HasStates => _states is not null;

    /// <summary>The prefix cache's nodes; null: there is no cache.</summary>
    public PrefixNodes? Nodes => _nodes;

    /// <summary>States that are kept; null: none can be.</summary>
    public Snapshots? Snapshots => _snapshots;

    /// <summary>Moves nodes from and to disk; null: there is no store.</summary>
    public PrefixTransfer? Transfer => _transfer;

    /// <summary>The groups' blocks.</summary>
    public IReadOnlyList<IGroupBlocks> Groups => _groups;

    /// <summary>Times that memory was given back. As long as it stays the same, what had no room has none.</summary>
    public long Releases { get; private set; }

    /// <summary>Blocks that a slot holds.</summary>
    public int Held(int slot) => _main?.Held(slot) ?? 0;

    /// <summary>Blocks of a slot, from the first, that are in the prefix cache and may be shared: nobody writes to them.</summary>
    public int Shared(int slot) => _pathLengths[slot];

    /// <summary>The most positions that a sequence can have by what exists; 0: not even a window of one.</summary>
    public static long Capacity(RowTable rows, ISequenceMemory memory, int mostAhead)
    {
        long blocks = rows.BlocksPerSlot;
        foreach (var group in memory.KvGroups)
        {
            bool isWhole = group.Visibility.IsAll || group.Blocks >= Math.Min(rows.BlocksPerSlot, group.Visibility.MostBlocks(mostAhead));
            blocks = !isWhole ? 0 : group.Visibility.IsAll ? Math.Min(blocks, group.Blocks) : blocks;
        }

        return blocks * KvBlock.Positions;
    }

    /// <inheritdoc/>
    public int Attach(int slot, ReadOnlySpan<int> tokens, int most)
    {
        _most[slot] = most;
        int blocks = Find(tokens);
        var path = _found.AsSpan(0, blocks);
        path.CopyTo(Path(slot));
        _pathLengths[slot] = blocks;
        _matched[slot] = _foundCount;
        _final[slot] = blocks * KvBlock.Positions;
        foreach (int node in path)
        {
            _nodes!.Acquire(node);
        }

        foreach (var group in _groups)
        {
            group.Attach(slot, path);
        }

        if (blocks > 0)
        {
            _snapshots?.Restore(slot, path[^1]);
        }
        else
        {
            _states?.Clear(slot);
        }

        return _final[slot];
    }

    /// <inheritdoc/>
    public int CountKnown(ReadOnlySpan<int> tokens) => Find(tokens) * KvBlock.Positions;

    /// <summary>Whether <see cref="TryEnsure"/> would succeed and leave so many blocks to others.</summary>
    public bool HasRoom(int slot, int positions, int spare)
    {
        foreach (var group in _groups)
        {
            if (!group.HasRoom(slot, positions, _most[slot], spare))
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public bool TryEnsure(int slot, int positions)
    {
        if (!HasRoom(slot, positions, 0))
        {
            return false;
        }

        foreach (var group in _groups)
        {
            group.Ensure(slot, positions, _most[slot]);
        }

        return true;
    }

    /// <inheritdoc/>
    public void Commit(int slot, ReadOnlySpan<int> tokens)
    {
        _final[slot] = tokens.Length;
        var path = Path(slot);
        while (_nodes is not null && (_pathLengths[slot] + 1) * KvBlock.Positions <= tokens.Length)
        {
            int index = _pathLengths[slot];
            if (!TryNode(index == 0 ? PrefixNodes.Root : path[index - 1], Chunk(tokens, index), out int node))
            {
                break; // the rest of the sequence stays its own
            }

            path[index] = node;
            _pathLengths[slot]++;
            foreach (var group in _groups)
            {
                group.Commit(slot, index, node);
            }

            Releases++;
        }

        foreach (var group in _groups)
        {
            group.GiveBack(slot, tokens.Length);
        }
    }

    /// <summary>Positions in which the slot's sequence was like one before it when it was attached; more than it could start behind, perhaps.</summary>
    public int Matched(int slot) => _matched[slot] * KvBlock.Positions;

    /// <inheritdoc/>
    public bool Snapshot(int slot, bool moves)
    {
        int blocks = _final[slot] / KvBlock.Positions;
        if (_snapshots is null || blocks == 0 || blocks != _pathLengths[slot] || blocks * KvBlock.Positions != _final[slot])
        {
            return false;
        }

        int node = Path(slot)[blocks - 1];
        if (!moves || _snapshots.Has(node))
        {
            return _snapshots.Save(slot, node);
        }

        if (_moving[slot] != PrefixNodes.None)
        {
            _snapshots.Drop(_moving[slot]);
        }

        _moving[slot] = _snapshots.Save(slot, node) ? node : PrefixNodes.None;
        return _moving[slot] == node;
    }

    /// <summary>Gives all that is kept to the store, which waits for the disk.</summary>
    public void SaveAll()
    {
        for (int node = 0; _transfer is not null && node < _nodes!.Size; node++)
        {
            if (_nodes.Exists(node))
            {
                _transfer.Save(node, waits: true);
            }
        }
    }

    /// <summary>Whether what is stored of the slot's first computed blocks is what the machine computes. Null: nothing could be compared.</summary>
    public bool? IsEqual(int slot, int index, StoredNode stored) => _transfer!.IsEqual(slot, index, Path(slot)[index], stored);

    /// <summary>The slot will get its positions up to a block border from the store, and computes those behind it.</summary>
    public void BeginImport(int slot, int blocks)
    {
        foreach (var group in _groups)
        {
            group.SkipTo(slot, blocks);
        }
    }

    /// <summary>Takes the slot's next 32 positions from the store. False when there is no memory for them.</summary>
    /// <param name="slot">The slot, whose positions so far are committed up to a block border.</param>
    /// <param name="tokens">Tokens up to the end of these positions.</param>
    /// <param name="stored">What is stored of them.</param>
    /// <param name="isLast">Whether the slot goes on computing behind them.</param>
    public bool TryImport(int slot, ReadOnlySpan<int> tokens, StoredNode stored, bool isLast)
    {
        int index = (tokens.Length / KvBlock.Positions) - 1;
        if (!TryEnsure(slot, tokens.Length))
        {
            return false;
        }

        _transfer!.Fill(slot, index, stored);
        Commit(slot, tokens);
        return !isLast || (_pathLengths[slot] == index + 1 && _transfer.FillState(slot, Path(slot)[index], stored));
    }

    /// <inheritdoc/>
    public void RollBack(int slot, int positions) => _states?.Keep(slot, positions - _final[slot]);

    /// <inheritdoc/>
    public void Release(int slot)
    {
        var path = Path(slot)[.._pathLengths[slot]];
        foreach (var group in _groups)
        {
            group.Release(slot, path.Length);
        }

        for (int i = path.Length - 1; i >= 0; i--)
        {
            _nodes!.Release(path[i]);
        }

        _pathLengths[slot] = 0;
        _final[slot] = 0;
        _moving[slot] = PrefixNodes.None; // what it left behind stays, where its answer ended
        Releases++;
    }

    private static int NodesFor(RowTable rows, ISequenceMemory memory)
    {
        var full = memory.KvGroups.Where(group => group.Visibility.IsAll);
        return full.Any() ? full.Min(group => group.Blocks) : (int)Math.Min(MostNodes, (long)rows.Slots * rows.BlocksPerSlot);
    }

    private static ReadOnlySpan<int> Chunk(ReadOnlySpan<int> tokens, int index) => tokens.Slice(index * KvBlock.Positions, KvBlock.Positions);

    private Span<int> Path(int slot) => _paths.AsSpan(slot * _blocksPerSlot, _blocksPerSlot);

    /// <summary>Writes the nodes of the longest prefix that a sequence can start behind to the scratch path.</summary>
    /// <returns>How many they are.</returns>
    private int Find(ReadOnlySpan<int> tokens)
    {
        int usable = 0;
        _foundCount = 0;
        int parent = PrefixNodes.Root;
        for (int count = 0; _nodes is not null && (count + 1) * KvBlock.Positions <= tokens.Length; count++)
        {
            parent = _nodes.Find(parent, Chunk(tokens, count));
            if (parent == PrefixNodes.None)
            {
                break;
            }

            _found[count] = parent;
            _foundCount = count + 1;
            usable = IsUsable(_found.AsSpan(0, count + 1)) ? count + 1 : usable;
        }

        return usable;
    }

    private bool IsUsable(ReadOnlySpan<int> path)
    {
        if (_states is not null && !_snapshots!.Has(path[^1]))
        {
            return false;
        }

        foreach (var group in _groups)
        {
            if (!group.Knows(path))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The node of 32 tokens behind another, found or made, which the slot uses from now on. False when no node can be made.</summary>
    private bool TryNode(int parent, ReadOnlySpan<int> tokens, out int node)
    {
        node = _nodes!.Find(parent, tokens);
        if (node != PrefixNodes.None)
        {
            _nodes.Acquire(node);
            return true;
        }

        if (_nodes.TryAdd(parent, tokens, out node))
        {
            return true;
        }

        if (_nodes.Idle.Count == 0)
        {
            return false;
        }

        EvictNode();
        return _nodes.TryAdd(parent, tokens, out node);
    }

    private void EvictNode()
    {
        int node = _nodes!.Idle.Oldest;
        if (node == PrefixNodes.None)
        {
            throw new InvalidOperationException("no KV block can be evicted");
        }

        if (_nodes.IsReused(node))
        {
            _transfer?.Save(node, waits: false);
        }

        foreach (var group in _groups)
        {
            group.Drop(node);
        }

        _snapshots?.Drop(node);
        _nodes.Remove(node);
    }
}
