using System.Diagnostics;

namespace LlmServe.Execution;

/// <summary>
/// What one tick computes: one row per token. The engine fills it before a tick; nothing in it is allocated afterwards, and its memory is pinned, so that
/// an executor can keep addresses of what its spans begin with. Rows of one sequence stand in ascending position, and every position before a row's
/// own is already in the cache or in the same tick.
/// </summary>
public sealed class RowTable
{
    private readonly int[] _tokens; // [Capacity]
    private readonly int[] _positions; // [Capacity]
    private readonly int[] _rowSlots; // [Capacity]
    private readonly int[] _selectedRows; // [Capacity]
    private readonly int[] _blockTables; // [Groups, Slots, BlocksPerSlot]

    /// <param name="capacity">Most rows in a tick.</param>
    /// <param name="slots">Most sequences that can be in a tick; a slot is an index of a sequence.</param>
    /// <param name="blocksPerSlot">KV blocks (32 positions each) that a sequence can have positions for.</param>
    /// <param name="groups">KV groups of the model.</param>
    public RowTable(int capacity, int slots, int blocksPerSlot, int groups = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(blocksPerSlot, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(groups);
        Capacity = capacity;
        Slots = slots;
        BlocksPerSlot = blocksPerSlot;
        Groups = groups;
        _tokens = Pinned(capacity);
        _positions = Pinned(capacity);
        _rowSlots = Pinned(capacity);
        _selectedRows = Pinned(capacity);
        _blockTables = Pinned(checked(groups * slots * blocksPerSlot));
    }

    /// <summary>Most rows in a tick.</summary>
    public int Capacity { get; }

    /// <summary>Most sequences.</summary>
    public int Slots { get; }

    /// <summary>KV blocks that a sequence can have positions for.</summary>
    public int BlocksPerSlot { get; }

    /// <summary>KV groups, each with block tables of its own.</summary>
    public int Groups { get; }

    /// <summary>Rows in the next tick.</summary>
    public int Count { get; private set; }

    /// <summary>Rows among them that are selected: whose logits are wanted.</summary>
    public int SelectedCount { get; private set; }

    /// <summary>Token id per row. [Count]</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    /// <summary>Absolute position per row, from 0. [Count]</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, Count);

    /// <summary>Slot (sequence) per row. [Count]</summary>
    public ReadOnlySpan<int> RowSlots => _rowSlots.AsSpan(0, Count);

    /// <summary>Numbers of the selected rows, ascending; logits row i belongs to row SelectedRows[i]. [SelectedCount]</summary>
    public ReadOnlySpan<int> SelectedRows => _selectedRows.AsSpan(0, SelectedCount);

    /// <summary>All block tables of a group, slot after slot. [Slots, BlocksPerSlot]</summary>
    public ReadOnlySpan<int> BlockTables(int group = 0) => _blockTables.AsSpan(group * Slots * BlocksPerSlot, Slots * BlocksPerSlot);

    /// <summary>
    /// The KV blocks of a slot in a group: entry p / 32 holds position p. The engine writes it. Entries that no row sees (<see cref="KvVisibility"/>) are not
    /// read and can be anything.
    /// </summary>
    public Span<int> BlockTable(int slot, int group = 0) => _blockTables.AsSpan(((group * Slots) + slot) * BlocksPerSlot, BlocksPerSlot);

    /// <summary>Forgets all rows; block tables stay.</summary>
    public void Clear()
    {
        Count = 0;
        SelectedCount = 0;
    }

    /// <summary>Adds a row.</summary>
    /// <returns>The selected row that will hold its logits, or −1 when <paramref name="select"/> is false.</returns>
    public int Add(int slot, int position, int token, bool select)
    {
        Debug.Assert(Count < Capacity, "a tick has no more rows than the table");
        Debug.Assert((uint)slot < (uint)Slots, "the slot exists");
        Debug.Assert((uint)position < (uint)(BlocksPerSlot * KvBlock.Positions), "the position has an entry in the block table");
        Debug.Assert(token >= 0, "the token is an id");
        int row = Count++;
        _rowSlots[row] = slot;
        _positions[row] = position;
        _tokens[row] = token;
        if (!select)
        {
            return -1;
        }

        _selectedRows[SelectedCount] = row;
        return SelectedCount++;
    }

    /// <summary>
    /// Throws where a tick over the table would read what is not there: a debug build's executors call it before each tick, because kernels trust the table.
    /// </summary>
    /// <param name="vocabulary">Tokens that exist.</param>
    /// <param name="groups">The model's KV groups.</param>
    [Conditional("DEBUG")]
    public void Check(int vocabulary, IReadOnlyList<KvGroup> groups)
    {
        for (int row = 0; row < Count; row++)
        {
            Require((uint)_tokens[row] < (uint)vocabulary, row, $"token {_tokens[row]} of {vocabulary}");
            bool isNext = row == 0 || _rowSlots[row] != _rowSlots[row - 1] || _positions[row] > _positions[row - 1];
            Require(isNext, row, $"position {_positions[row]} after {_positions[Math.Max(0, row - 1)]} of slot {_rowSlots[row]}");
            for (int group = 0; group < groups.Count; group++)
            {
                var table = BlockTable(_rowSlots[row], group);
                for (int i = groups[group].Visibility.First(_positions[row]) / KvBlock.Positions; i <= _positions[row] / KvBlock.Positions; i++)
                {
                    Require((uint)table[i] < (uint)groups[group].Blocks, row, $"block {table[i]} of {groups[group].Blocks} in group {group}");
                }
            }
        }
    }

    private static void Require(bool condition, int row, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"row {row} of the row table cannot be run: {what}");
        }
    }

    private static int[] Pinned(int length) => GC.AllocateArray<int>(length, pinned: true);
}
