namespace LlmServe.Text.Tokenization;

/// <summary>
/// A fixed hash table from a pair of non-negative integers to two integers, filled once and then only read. One table serves merges
/// (left id, right id → rank, merged id) and tries (node, symbol → child, unused).
/// </summary>
internal sealed class PairTable
{
    private const ulong Multiplier = 0x9E3779B97F4A7C15; // 2^64 / golden ratio: spreads consecutive ids over the high bits
    private const ulong Empty = ulong.MaxValue;

    private Slot[] _slots;
    private int _shift;
    private int _count;

    /// <param name="expected">Number of pairs that will be added; the table grows where there are more.</param>
    public PairTable(int expected)
    {
        _slots = [];
        Resize(Math.Max(8, expected));
    }

    /// <summary>Adds a pair unless it is there already.</summary>
    /// <returns>Whether it was added; a pair keeps the values it was first given.</returns>
    public bool TryAdd(int left, int right, int first, int second)
    {
        if (_count >= _slots.Length / 2)
        {
            Resize(_count);
        }

        ref Slot slot = ref Find(Key(left, right));
        if (slot.Key != Empty)
        {
            return false;
        }

        slot = new Slot { Key = Key(left, right), First = first, Second = second };
        _count++;
        return true;
    }

    /// <summary>The values of a pair; false, and zeros, where it was never added.</summary>
    public bool TryGet(int left, int right, out int first, out int second)
    {
        ref Slot slot = ref Find(Key(left, right));
        first = slot.First;
        second = slot.Second;
        return slot.Key != Empty;
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private ref Slot Find(ulong key)
    {
        var slots = _slots;
        int mask = slots.Length - 1;
        int index = (int)((key * Multiplier) >> _shift);
        while (slots[index & mask].Key != key && slots[index & mask].Key != Empty)
        {
            index++;
        }

        return ref slots[index & mask];
    }

    private void Resize(int count)
    {
        var old = _slots;
        int bits = System.Numerics.BitOperations.Log2((uint)count) + 2;
        _shift = 64 - bits;
        _slots = new Slot[1 << bits];
        Array.Fill(_slots, new Slot { Key = Empty });
        foreach (var slot in old)
        {
            if (slot.Key != Empty)
            {
                Find(slot.Key) = slot;
            }
        }
    }

    private struct Slot
    {
        public ulong Key;
        public int First;
        public int Second;
    }
}
