namespace LlmServe.Engine.Memory;

/// <summary>Which of the numbers 0 … count − 1 are free: of blocks, say. Not thread-safe.</summary>
internal sealed class FreeList
{
    private readonly int[] _free; // [count], a stack
    private readonly bool[] _isFree; // [count]

    /// <param name="count">Numbers that there are.</param>
    public FreeList(int count)
    {
        Size = count;
        _free = new int[count];
        _isFree = new bool[count];
        for (int i = 0; i < count; i++)
        {
            _free[i] = count - 1 - i; // low numbers are taken first
            _isFree[i] = true;
        }

        Count = count;
    }

    /// <summary>Numbers that there are.</summary>
    public int Size { get; }

    /// <summary>Numbers that are free.</summary>
    public int Count { get; private set; }

    /// <summary>Takes a free number; false when there is none.</summary>
    public bool TryTake(out int number)
    {
        if (Count == 0)
        {
            number = -1;
            return false;
        }

        number = _free[--Count];
        _isFree[number] = false;
        return true;
    }

    /// <summary>Gives a number back.</summary>
    /// <exception cref="InvalidOperationException">It is free already: two believed that they had it.</exception>
    public void Give(int number)
    {
        if (_isFree[number])
        {
            throw new InvalidOperationException($"{number} is given back and was free already");
        }

        _isFree[number] = true;
        _free[Count++] = number;
    }
}
