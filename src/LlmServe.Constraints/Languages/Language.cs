using System.Numerics;
using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Languages;

/// <summary>
/// A regular set of texts as a deterministic automaton over code points, with the operations that schemas need: both, either, not, lengths. State 0 is the
/// start; every other state is reached, and from every state an accepting one is (the start of the empty language excepted). Immutable.
/// </summary>
internal sealed class Language
{
    private readonly bool[] _accepting;      // [states]
    private readonly LanguageEdge[][] _edges; // [states] ascending, disjoint

    private Language(bool[] accepting, LanguageEdge[][] edges)
    {
        _accepting = accepting;
        _edges = edges;
    }

    /// <summary>All texts.</summary>
    public static Language All { get; } = new([true], [EdgesOver(CodePointSet.All, 0)]);

    /// <summary>No text.</summary>
    public static Language None { get; } = new([false], [[]]);

    /// <summary>Number of states.</summary>
    public int StateCount => _accepting.Length;

    /// <summary>Whether there is no text.</summary>
    public bool IsEmpty => StateCount == 1 && !_accepting[0];

    /// <summary>Whether it is <see cref="All"/> as it stands.</summary>
    public bool IsAll => AcceptsAllFrom(0);

    /// <summary>Whether a text may end in a state.</summary>
    public bool IsAccepting(int state) => _accepting[state];

    /// <summary>Whether from a state on every text is one.</summary>
    public bool AcceptsAllFrom(int state) =>
        _accepting[state] && _edges[state].Length == All._edges[0].Length
        && _edges[state].Zip(All._edges[0]).All(pair => pair.First.To == state && pair.First.Low == pair.Second.Low && pair.First.High == pair.Second.High);

    /// <summary>Where a state leads: the code points for each target.</summary>
    public IEnumerable<(CodePointSet Set, int To)> Targets(int state) =>
        _edges[state].GroupBy(edge => edge.To).Select(group => (CodePointSet.Of(group.Select(edge => new CodePointRange(edge.Low, edge.High))), group.Key));

    /// <summary>Exactly these texts.</summary>
    public static Language Literals(IEnumerable<string> texts)
    {
        var children = new List<SortedDictionary<int, int>> { new() };
        var accepting = new List<bool> { false };
        foreach (string text in texts)
        {
            int state = 0;
            foreach (var rune in text.EnumerateRunes())
            {
                if (!children[state].TryGetValue(rune.Value, out int next))
                {
                    next = children.Count;
                    children[state].Add(rune.Value, next);
                    children.Add([]);
                    accepting.Add(false);
                }

                state = next;
            }

            accepting[state] = true;
        }

        return Trimmed(accepting, [.. children.Select(map => map.Select(pair => new LanguageEdge(pair.Key, pair.Key, pair.Value)).ToArray())]);
    }

    /// <summary>Texts of a given length in code points.</summary>
    public static Language OfLength(int least, int? most, WorkMeter meter)
    {
        int states = (most ?? least) + 1;
        meter.CheckStates(states, "a text's length");
        var edges = new LanguageEdge[states][];
        for (int state = 0; state < states; state++)
        {
            edges[state] = state < states - 1 ? EdgesOver(CodePointSet.All, state + 1) : most is null ? EdgesOver(CodePointSet.All, state) : [];
        }

        return Trimmed([.. Enumerable.Range(0, states).Select(length => length >= least)], edges);
    }

    /// <summary>Builds an automaton from a start and a rule for each state's edges.</summary>
    /// <param name="start">The first state.</param>
    /// <param name="accepts">Whether a text may end in a state.</param>
    /// <param name="step">The edges of a state: disjoint sets and where they lead.</param>
    /// <param name="meter">Counts the work.</param>
    public static Language Explore<TState>(
        TState start, Func<TState, bool> accepts, Func<TState, IEnumerable<(CodePointSet Set, TState To)>> step, WorkMeter meter) where TState : notnull
    {
        var numbers = new Dictionary<TState, int> { [start] = 0 };
        var states = new List<TState> { start };
        var edges = new List<LanguageEdge[]>();
        for (int i = 0; i < states.Count; i++)
        {
            var outgoing = new List<LanguageEdge>();
            foreach (var (set, to) in step(states[i]))
            {
                if (!numbers.TryGetValue(to, out int number))
                {
                    numbers.Add(to, number = states.Count);
                    states.Add(to);
                }

                outgoing.AddRange(EdgesOver(set, number));
            }

            meter.Add(outgoing.Count + 1);
            meter.CheckStates(states.Count, "a text's form");
            edges.Add([.. outgoing.OrderBy(edge => edge.Low)]);
        }

        return Trimmed([.. states.Select(accepts)], edges);
    }

    /// <summary>Texts of both.</summary>
    public Language Intersect(Language other, WorkMeter meter) =>
        IsAll ? other : other.IsAll ? this : Product(other, (left, right) => left && right, needLeft: true, needRight: true, meter);

    /// <summary>Texts of either.</summary>
    public Language Union(Language other, WorkMeter meter) =>
        IsEmpty ? other : other.IsEmpty ? this : Product(other, (left, right) => left || right, needLeft: false, needRight: false, meter);

    /// <summary>Texts of this that are none of the other's.</summary>
    public Language Except(Language other, WorkMeter meter) =>
        other.IsEmpty ? this : Product(other, (left, right) => left && !right, needLeft: true, needRight: false, meter);

    /// <summary>Whether a text belongs to the language.</summary>
    public bool Contains(string text)
    {
        int state = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            state = Step(state, rune.Value);
            if (state < 0)
            {
                return false;
            }
        }

        return _accepting[state];
    }

    /// <summary>Whether there is a text of which only so many others begin in the same way.</summary>
    public bool HasBoundedEnds
    {
        get
        {
            var components = StrongComponents.Find(StateCount, state => _edges[state].Select(edge => edge.To));
            bool[] goesOn = new bool[StateCount];
            foreach (int state in Enumerable.Range(0, StateCount).OrderBy(state => components.Of[state]))
            {
                goesOn[state] = components.Sizes[components.Of[state]] > 1 || Array.Exists(_edges[state], edge => edge.To == state || goesOn[edge.To]);
            }

            return Array.IndexOf(goesOn, false) >= 0;
        }
    }

    /// <summary>Number of texts; null if there is no end of them.</summary>
    public BigInteger? Count()
    {
        var components = StrongComponents.Find(StateCount, state => _edges[state].Select(edge => edge.To));
        var counts = new BigInteger[StateCount];
        foreach (int state in Enumerable.Range(0, StateCount).OrderBy(state => components.Of[state]))
        {
            if (components.Sizes[components.Of[state]] > 1 || Array.Exists(_edges[state], edge => edge.To == state))
            {
                return null;
            }

            counts[state] = _accepting[state] ? 1 : 0;
            foreach (var edge in _edges[state])
            {
                counts[state] += counts[edge.To] * (edge.High - edge.Low + 1);
            }
        }

        return counts[0];
    }

    /// <summary>Makes a language of states of which some may be useless.</summary>
    public static Language Trimmed(IReadOnlyList<bool> accepting, IReadOnlyList<LanguageEdge[]> edges)
    {
        bool[] live = FindLive(accepting, edges);
        if (!live[0])
        {
            return None;
        }

        int[] number = new int[accepting.Count];
        Array.Fill(number, -1);
        number[0] = 0;
        var order = new List<int> { 0 };
        for (int i = 0; i < order.Count; i++)
        {
            foreach (var edge in edges[order[i]])
            {
                if (live[edge.To] && number[edge.To] < 0)
                {
                    number[edge.To] = order.Count;
                    order.Add(edge.To);
                }
            }
        }

        return new Language(
            [.. order.Select(state => accepting[state])],
            [.. order.Select(state => Joined(edges[state].Where(edge => live[edge.To]).Select(edge => edge with { To = number[edge.To] })))]);
    }

    private static bool[] FindLive(IReadOnlyList<bool> accepting, IReadOnlyList<LanguageEdge[]> edges)
    {
        var into = new EdgeIndex(accepting.Count);
        foreach (var edge in edges.SelectMany(list => list))
        {
            into.Count(edge.To);
        }

        into.Seal();
        for (int state = 0; state < edges.Count; state++)
        {
            foreach (var edge in edges[state])
            {
                into.Add(edge.To, state);
            }
        }

        bool[] live = [.. accepting];
        var waiting = new Stack<int>(Enumerable.Range(0, live.Length).Where(state => live[state]));
        while (waiting.TryPop(out int state))
        {
            foreach (int from in into[state])
            {
                if (!live[from])
                {
                    live[from] = true;
                    waiting.Push(from);
                }
            }
        }

        return live;
    }

    private static LanguageEdge[] Joined(IEnumerable<LanguageEdge> edges)
    {
        var joined = new List<LanguageEdge>();
        foreach (var edge in edges)
        {
            if (joined.Count > 0 && joined[^1].To == edge.To && joined[^1].High + 1 == edge.Low)
            {
                joined[^1] = joined[^1] with { High = edge.High };
            }
            else
            {
                joined.Add(edge);
            }
        }

        return [.. joined];
    }

    private static LanguageEdge[] EdgesOver(CodePointSet set, int to) => [.. set.Ranges.Select(range => new LanguageEdge(range.Low, range.High, to))];

    private int Step(int state, int codePoint)
    {
        foreach (var edge in _edges[state])
        {
            if (codePoint <= edge.High)
            {
                return codePoint >= edge.Low ? edge.To : -1;
            }
        }

        return -1;
    }

    private Language Product(Language other, Func<bool, bool, bool> accepts, bool needLeft, bool needRight, WorkMeter meter)
    {
        var numbers = new Dictionary<(int, int), int> { [(0, 0)] = 0 };
        var pairs = new List<(int Left, int Right)> { (0, 0) };
        var edges = new List<LanguageEdge[]>();
        var outgoing = new List<LanguageEdge>();
        for (int i = 0; i < pairs.Count; i++)
        {
            outgoing.Clear();
            foreach (var (low, high, left, right) in EdgePairs.Of(EdgesOrNone(pairs[i].Left), other.EdgesOrNone(pairs[i].Right)))
            {
                if ((left < 0 && needLeft) || (right < 0 && needRight))
                {
                    continue;
                }

                if (!numbers.TryGetValue((left, right), out int number))
                {
                    numbers.Add((left, right), number = pairs.Count);
                    pairs.Add((left, right));
                }

                outgoing.Add(new LanguageEdge(low, high, number));
            }

            meter.Add(outgoing.Count + 1);
            meter.CheckStates(pairs.Count, "a text's form");
            edges.Add([.. outgoing]);
        }

        return Trimmed([.. pairs.Select(pair => accepts(pair.Left >= 0 && _accepting[pair.Left], pair.Right >= 0 && other._accepting[pair.Right]))], edges);
    }

    private LanguageEdge[] EdgesOrNone(int state) => state < 0 ? [] : _edges[state];
}
