namespace LlmServe.Constraints.Automata;

/// <summary>Values by a key from 0 on, in one block: counted first, then added.</summary>
/// <param name="keys">Number of keys.</param>
internal sealed class EdgeIndex(int keys)
{
    private readonly int[] _starts = new int[keys + 1]; // [keys + 1]
    private int[] _values = [];
    private int[] _filled = [];

    /// <summary>Announces values of a key.</summary>
    public void Count(int key, int values = 1) => _starts[key + 1] += values;

    /// <summary>Ends the counting.</summary>
    public void Seal()
    {
        for (int key = 0; key < keys; key++)
        {
            _starts[key + 1] += _starts[key];
        }

        _values = new int[_starts[keys]];
        _filled = _starts[..keys];
    }

    /// <summary>Adds an announced value.</summary>
    public void Add(int key, int value) => _values[_filled[key]++] = value;

    /// <summary>The values of a key.</summary>
    public ReadOnlySpan<int> this[int key] => _values.AsSpan(_starts[key], _starts[key + 1] - _starts[key]);
}
