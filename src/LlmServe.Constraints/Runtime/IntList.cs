namespace LlmServe.Constraints.Runtime;

/// <summary>A list of numbers that keeps its memory when it is cleared.</summary>
internal sealed class IntList
{
    private int[] _items = new int[256];

    /// <summary>Number of items.</summary>
    public int Count { get; private set; }

    /// <summary>The items.</summary>
    public ReadOnlySpan<int> Items => _items.AsSpan(0, Count);

    /// <summary>Adds an item.</summary>
    public void Add(int item)
    {
        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Count * 2);
        }

        _items[Count++] = item;
    }

    /// <summary>Removes all items.</summary>
    public void Clear() => Count = 0;
}
