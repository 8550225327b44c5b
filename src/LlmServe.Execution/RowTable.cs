namespace LlmServe.Execution;

/// <summary>
/// What one tick computes: one row per token. The engine fills it before a tick; nothing in it is allocated afterwards.
/// Rows of one sequence stand in ascending position, and every position before a row's own is already in the cache or in the same tick.
/// </summary>
public sealed class RowTable
{
    private readonly int[] _blockTables;

    /// <param name="capacity">Most rows in a tick.</param>
    /// <param name="slots">Most sequences that can be in a tick; a slot is an index of a sequence.</param>
    /// <param name="blocksPerSlot">KV blocks (32 positions each) that a sequence can hold.</param>
    public RowTable(int capacity, int slots, int blocksPerSlot)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(blocksPerSlot, 1);
        Capacity = capacity;
        Slots = slots;
        BlocksPerSlot = blocksPerSlot;
        Tokens = Pinned(capacity);
        Positions = Pinned(capacity);
        RowSlots = Pinned(capacity);
        LogitsRows = Pinned(capacity);
        _blockTables = Pinned(checked(slots * blocksPerSlot));
    }

    /// <summary>Most rows in a tick.</summary>
    public int Capacity { get; }

    /// <summary>Most sequences.</summary>
    public int Slots { get; }

    /// <summary>KV blocks that a sequence can hold.</summary>
    public int BlocksPerSlot { get; }

    /// <summary>Rows in the next tick.</summary>
    public int Count { get; private set; }

    /// <summary>Rows among them whose logits are wanted.</summary>
    public int LogitsCount { get; private set; }

    /// <summary>Token id per row. [Capacity]</summary>
    public int[] Tokens { get; }

    /// <summary>Absolute position per row, from 0. [Capacity]</summary>
    public int[] Positions { get; }

    /// <summary>Slot (sequence) per row. [Capacity]</summary>
    public int[] RowSlots { get; }

    /// <summary>Row numbers whose logits are wanted, ascending; logits row i belongs to row LogitsRows[i]. [LogitsCount]</summary>
    public int[] LogitsRows { get; }

    /// <summary>All block tables, slot after slot. [Slots, BlocksPerSlot]</summary>
    public int[] BlockTables => _blockTables;

    /// <summary>The KV blocks of a slot: entry p / 32 holds position p. The engine writes it.</summary>
    public Span<int> BlockTable(int slot) => _blockTables.AsSpan(slot * BlocksPerSlot, BlocksPerSlot);

    /// <summary>Forgets all rows; block tables stay.</summary>
    public void Clear()
    {
        Count = 0;
        LogitsCount = 0;
    }

    /// <summary>Adds a row.</summary>
    /// <returns>The logits row that will hold its logits, or −1 when <paramref name="wantsLogits"/> is false.</returns>
    public int Add(int slot, int position, int token, bool wantsLogits)
    {
        int row = Count++;
        RowSlots[row] = slot;
        Positions[row] = position;
        Tokens[row] = token;
        if (!wantsLogits)
        {
            return -1;
        }

        LogitsRows[LogitsCount] = row;
        return LogitsCount++;
    }

    private static int[] Pinned(int length) => GC.AllocateArray<int>(length, pinned: true);
}
