namespace LlmServe.Constraints.Automata;

/// <summary>Makes the deterministic automaton of one rule by the subset construction, and adds it to a table.</summary>
internal sealed class RuleDeterminizer
{
    private readonly RuleGraph _graph;
    private readonly GraphEdges _edges;
    private readonly bool[] _nullable;
    private readonly StateTable _table;
    private readonly WorkMeter _meter;
    private readonly SubsetTable _subsets = new();
    private readonly int[] _stamps;
    private readonly Dictionary<int, int> _singles = [];
    private readonly Stack<int> _waiting = new();
    private readonly ByteSplitter _splitter = new();
    private int _stamp;
    private int _first;

    /// <param name="graph">The rule.</param>
    /// <param name="nullable">[rules] Which rules can be empty.</param>
    /// <param name="table">Where the states go.</param>
    /// <param name="meter">Counts the work.</param>
    public RuleDeterminizer(RuleGraph graph, bool[] nullable, StateTable table, WorkMeter meter)
    {
        _graph = graph;
        _edges = new GraphEdges(graph);
        _nullable = nullable;
        _table = table;
        _meter = meter;
        _stamps = new int[graph.StateCount];
    }

    /// <summary>Adds the automaton's states.</summary>
    /// <returns>Its start, which never accepts: the empty text is the callers' business.</returns>
    public int Add()
    {
        int start = _table.Accepting.Count;
        _table.Accepting.Add(false);
        _first = start + 1;
        var initial = Closure([RuleGraph.Start]);
        AddEdges(start, initial);
        for (int number = 0; number < _subsets.Sets.Count; number++)
        {
            var set = _subsets.Sets[number];
            _table.Accepting.Add(Array.BinarySearch(set, RuleGraph.End) >= 0);
            AddEdges(_first + number, set);
            _meter.CheckStates(_first + number, _graph.Name);
        }

        return start;
    }

    private void AddEdges(int from, int[] set)
    {
        _meter.Add(set.Length + 8);
        _splitter.Clear();
        var calls = new SortedDictionary<int, List<int>>();
        var tokens = new SortedDictionary<int, List<int>>();
        foreach (int state in set)
        {
            foreach (var edge in _edges.Bytes(state))
            {
                _splitter.Add(edge.Low, edge.High, edge.To);
            }

            foreach (var call in _edges.Calls(state))
            {
                TargetsOf(calls, call.Rule).Add(call.To);
            }

            foreach (var token in _edges.Tokens(state))
            {
                TargetsOf(tokens, token.Token).Add(token.To);
            }
        }

        foreach (var (low, high, targets) in _splitter.Split())
        {
            _meter.Add(targets.Count);
            _table.Bytes.Add(new ByteEdge(from, low, high, NumberOf(targets)));
        }

        foreach (var (rule, targets) in calls)
        {
            _table.Calls.Add(new CallEdge(from, rule, NumberOf(targets)));
        }

        foreach (var (token, targets) in tokens)
        {
            _table.Tokens.Add(new TokenEdge(from, token, NumberOf(targets)));
        }
    }

    private static List<int> TargetsOf(SortedDictionary<int, List<int>> map, int key)
    {
        if (!map.TryGetValue(key, out var targets))
        {
            map.Add(key, targets = []);
        }

        return targets;
    }

    private int NumberOf(List<int> targets)
    {
        if (targets.Count > 1)
        {
            return _first + _subsets.NumberOf(Closure(targets));
        }

        if (!_singles.TryGetValue(targets[0], out int number))
        {
            number = _first + _subsets.NumberOf(Closure(targets));
            _singles.Add(targets[0], number);
        }

        return number;
    }

    /// <summary>All states that are reached by reading nothing; those from which nothing but that can be done are left out.</summary>
    private int[] Closure(List<int> states)
    {
        _stamp++;
        var set = new List<int>();
        foreach (int state in states)
        {
            Visit(state);
        }

        while (_waiting.TryPop(out int state))
        {
            var calls = _edges.Calls(state);
            if (state == RuleGraph.End || calls.Count > 0 || _edges.Bytes(state).Count > 0 || _edges.Tokens(state).Count > 0)
            {
                set.Add(state);
            }

            foreach (int next in _edges.Empties(state))
            {
                Visit(next);
            }

            foreach (var call in calls)
            {
                if (_nullable[call.Rule])
                {
                    Visit(call.To);
                }
            }
        }

        _meter.Add(set.Count);
        set.Sort();
        return [.. set];

        void Visit(int state)
        {
            if (_stamps[state] != _stamp)
            {
                _stamps[state] = _stamp;
                _waiting.Push(state);
            }
        }
    }
}
