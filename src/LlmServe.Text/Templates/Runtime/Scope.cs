namespace LlmServe.Text.Templates;

/// <summary>The variables that one body has set, in front of those of the bodies around it.</summary>
internal sealed class Scope(Scope? outer)
{
    // Beyond this many names a search by comparison costs more than a hash.
    private const int SearchedNames = 12;

    private string[] _names = [];
    private Value[] _values = [];
    private int _count;
    private Dictionary<string, int>? _index;

    public Scope? Outer => outer;

    public Value? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            int slot = scope.SlotOf(name);
            if (slot >= 0)
            {
                return scope._values[slot];
            }
        }

        return null;
    }

    public void Set(string name, Value value)
    {
        int slot = SlotOf(name);
        if (slot >= 0)
        {
            _values[slot] = value;
            return;
        }

        if (_count == _names.Length)
        {
            int capacity = Math.Max(4, _count * 2);
            Array.Resize(ref _names, capacity);
            Array.Resize(ref _values, capacity);
        }

        _names[_count] = name;
        _values[_count] = value;
        _index?.Add(name, _count);
        _count++;
        if (_index is null && _count > SearchedNames)
        {
            _index = new Dictionary<string, int>(_names.Take(_count).Select((text, i) => KeyValuePair.Create(text, i)));
        }
    }

    private int SlotOf(string name)
    {
        if (_index is not null)
        {
            return _index.TryGetValue(name, out int slot) ? slot : -1;
        }

        for (int i = 0; i < _count; i++)
        {
            if (_names[i] == name)
            {
                return i;
            }
        }

        return -1;
    }
}
