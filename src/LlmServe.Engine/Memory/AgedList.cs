namespace LlmServe.Engine.Memory;

/// <summary>Some of the numbers 0 … count − 1, in the order in which they were appended. Nothing is allocated after construction.</summary>
/// <param name="count">Numbers that there are.</param>
internal sealed class AgedList(int count)
{
    private const int None = -1;
    private const int Absent = -2;

    private readonly int[] _newer = Filled(count); // [count]; Absent: not in the list
    private readonly int[] _older = Filled(count); // [count]
    private int _newest = None;

    /// <summary>How many are in the list.</summary>
    public int Count { get; private set; }

    /// <summary>The number that was appended first; −1: the list is empty.</summary>
    public int Oldest { get; private set; } = None;

    /// <summary>Whether a number is in the list.</summary>
    public bool Contains(int number) => _newer[number] != Absent;

    /// <summary>Adds a number, which is not in the list, as the newest.</summary>
    public void Append(int number)
    {
        _older[number] = _newest;
        _newer[number] = None;
        if (_newest == None)
        {
            Oldest = number;
        }
        else
        {
            _newer[_newest] = number;
        }

        _newest = number;
        Count++;
    }

    /// <summary>Takes a number out; false when it was not in the list.</summary>
    public bool Remove(int number)
    {
        if (!Contains(number))
        {
            return false;
        }

        int older = _older[number];
        int newer = _newer[number];
        if (older == None)
        {
            Oldest = newer;
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

        _newer[number] = Absent;
        Count--;
        return true;
    }

    private static int[] Filled(int length)
    {
        var array = new int[length];
        Array.Fill(array, Absent);
        return array;
    }
}
