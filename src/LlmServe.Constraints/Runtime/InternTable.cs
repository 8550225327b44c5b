namespace LlmServe.Constraints.Runtime;

/// <summary>Finds numbers by a hash: open addressing, entries removed in the order opposite to that in which they were added.</summary>
internal sealed class InternTable
{
    private ulong[] _hashes = new ulong[128];
    private int[] _numbers = Filled(128); // [slots] −1: free
    private int _count;
    private int _probe;
    private ulong _wanted;

    /// <summary>Memory in bytes.</summary>
    public long Bytes => 12L * _numbers.Length;

    /// <summary>The first number under a hash, or −1.</summary>
    public int First(ulong hash)
    {
        _wanted = hash;
        _probe = (int)hash & (_numbers.Length - 1);
        return Find();
    }

    /// <summary>The next one, or −1.</summary>
    public int Next()
    {
        _probe = (_probe + 1) & (_numbers.Length - 1);
        return Find();
    }

    /// <summary>Adds a number, larger than all that are there.</summary>
    public void Add(ulong hash, int number)
    {
        if (_count * 2 >= _numbers.Length)
        {
            Grow();
        }

        Insert(hash, number);
        _count++;
    }

    /// <summary>Removes the number that was added last. Nothing that is left was put further on because of it.</summary>
    public void RemoveLast(ulong hash, int number)
    {
        int slot = (int)hash & (_numbers.Length - 1);
        while (_numbers[slot] != number)
        {
            slot = (slot + 1) & (_numbers.Length - 1);
        }

        _numbers[slot] = -1;
        _count--;
    }

    private int Find()
    {
        while (_numbers[_probe] >= 0 && _hashes[_probe] != _wanted)
        {
            _probe = (_probe + 1) & (_numbers.Length - 1);
        }

        return _numbers[_probe];
    }

    private void Insert(ulong hash, int number)
    {
        int slot = (int)hash & (_numbers.Length - 1);
        while (_numbers[slot] >= 0)
        {
            slot = (slot + 1) & (_numbers.Length - 1);
        }

        (_hashes[slot], _numbers[slot]) = (hash, number);
    }

    private void Grow()
    {
        var (hashes, numbers) = (_hashes, _numbers);
        int[] slots = [.. Enumerable.Range(0, numbers.Length).Where(slot => numbers[slot] >= 0).OrderBy(slot => numbers[slot])];
        _hashes = new ulong[hashes.Length * 2];
        _numbers = Filled(numbers.Length * 2);
        foreach (int slot in slots)
        {
            Insert(hashes[slot], numbers[slot]); // in the old order, so that the last added stays the last in its run
        }
    }

    private static int[] Filled(int slots)
    {
        int[] numbers = new int[slots];
        Array.Fill(numbers, -1);
        return numbers;
    }
}
