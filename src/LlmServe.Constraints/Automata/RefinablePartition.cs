namespace LlmServe.Constraints.Automata;

/// <summary>
/// Numbers 0 … n − 1 in groups that can be split by marking members (Valmari, "Fast brief practical DFA minimization", 2012): marking is constant time
/// and splitting takes the time of the smaller half.
/// </summary>
internal sealed class RefinablePartition
{
    private readonly int[] _elements;  // [n] members, group by group
    private readonly int[] _places;    // [n] where each stands in _elements
    private readonly int[] _groups;    // [n] the group of each
    private readonly int[] _first;     // [groups] first place
    private readonly int[] _past;      // [groups] past the last place
    private readonly int[] _marked;    // [groups] how many, from the first, are marked
    private readonly Stack<int> _touched = new();

    /// <param name="size">How many numbers; they begin in one group.</param>
    public RefinablePartition(int size)
    {
        _elements = [.. Enumerable.Range(0, size)];
        _places = [.. _elements];
        _groups = new int[size];
        _first = new int[size + 1];
        _past = new int[size + 1];
        _marked = new int[size + 1];
        _past[0] = size;
        Count = size > 0 ? 1 : 0;
    }

    /// <summary>Number of groups.</summary>
    public int Count { get; private set; }

    /// <summary>Members of a group.</summary>
    public ReadOnlySpan<int> this[int group] => _elements.AsSpan(_first[group], _past[group] - _first[group]);

    /// <summary>The group of a number.</summary>
    public int GroupOf(int element) => _groups[element];

    /// <summary>Makes the groups anew, one for each key.</summary>
    public void GroupBy(int[] keys)
    {
        Array.Sort(_elements, (a, b) => keys[a] != keys[b] ? keys[a].CompareTo(keys[b]) : a.CompareTo(b));
        Count = 0;
        for (int place = 0; place < _elements.Length; place++)
        {
            if (place == 0 || keys[_elements[place]] != keys[_elements[place - 1]])
            {
                _first[Count++] = place;
            }

            _past[Count - 1] = place + 1;
            _groups[_elements[place]] = Count - 1;
            _places[_elements[place]] = place;
        }
    }

    /// <summary>Marks a number.</summary>
    public void Mark(int element)
    {
        int group = _groups[element];
        int place = _places[element];
        int border = _first[group] + _marked[group];
        if (place < border)
        {
            return;
        }

        _elements[place] = _elements[border];
        _places[_elements[place]] = place;
        _elements[border] = element;
        _places[element] = border;
        if (_marked[group]++ == 0)
        {
            _touched.Push(group);
        }
    }

    /// <summary>Splits each group with marks into the marked and the others; the smaller part becomes a new group.</summary>
    public void Split()
    {
        while (_touched.TryPop(out int group))
        {
            int border = _first[group] + _marked[group];
            _marked[group] = 0;
            if (border == _past[group])
            {
                continue;
            }

            if (border - _first[group] <= _past[group] - border)
            {
                (_first[Count], _past[Count]) = (_first[group], border);
                _first[group] = border;
            }
            else
            {
                (_first[Count], _past[Count]) = (border, _past[group]);
                _past[group] = border;
            }

            for (int place = _first[Count]; place < _past[Count]; place++)
            {
                _groups[_elements[place]] = Count;
            }

            Count++;
        }
    }
}
