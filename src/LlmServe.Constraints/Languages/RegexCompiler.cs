using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Languages;

/// <summary>From a regular expression to a <see cref="Language"/>: states and empty edges first (Thompson), then the subset construction.</summary>
internal sealed class RegexCompiler
{
    private const int End = 0; // the accepting state

    private readonly WorkMeter _meter;
    private readonly string _place;
    private readonly List<List<(int To, Condition If)>> _empties = [];
    private readonly List<(CodePointSet Set, int To)?> _reads = []; // [states] what a state reads
    private readonly SubsetTable _subsets = new();
    private int[]? _found;

    private RegexCompiler(WorkMeter meter, string place)
    {
        (_meter, _place) = (meter, place);
    }

    private enum Condition
    {
        Always,
        AtStart,
        AtEnd,
    }

    /// <summary>Compiles an expression.</summary>
    /// <param name="node">The expression.</param>
    /// <param name="place">Where it stands, for errors.</param>
    /// <param name="search">Whether it may match any part of a text, instead of the whole of it.</param>
    /// <param name="meter">Counts the work.</param>
    public static Language Compile(RegexNode node, string place, bool search, WorkMeter meter)
    {
        var compiler = new RegexCompiler(meter, place);
        long size = SizeOf(node);
        if (size > meter.Limits.MaxStates)
        {
            throw new ConstraintException(place, $"regular expression: written out it has {size} parts; at most {meter.Limits.MaxStates} are allowed");
        }

        compiler.AddState();
        int start = compiler.AddState();
        int first = start;
        int last = End;
        if (search)
        {
            first = compiler.AddState();
            last = compiler.AddState();
            compiler.AddLoop(start);
            compiler.AddEmpty(start, first);
            compiler.AddEmpty(last, End);
            compiler.AddLoop(End);
        }

        compiler.Build(node, first, last);
        return compiler.Determinize(start, search ? compiler.Closure([End], atStart: false, atEnd: false) : null);
    }

    private static long SizeOf(RegexNode node) => node switch
    {
        RegexNode.Sequence sequence => Saturate(1 + sequence.Parts.Sum(SizeOf)),
        RegexNode.Alternation alternation => Saturate(1 + alternation.Parts.Sum(SizeOf)),
        RegexNode.Repeat repeat => Saturate((SizeOf(repeat.Part) + 1) * Math.Max(1, repeat.Most ?? repeat.Least + 1)),
        _ => 1,
    };

    private static long Saturate(long size) => Math.Min(size, 1L << 40);

    private int AddState()
    {
        _empties.Add([]);
        _reads.Add(null);
        return _reads.Count - 1;
    }

    private void AddEmpty(int from, int to, Condition condition = Condition.Always) => _empties[from].Add((to, condition));

    private void AddLoop(int state)
    {
        int reader = AddState();
        _reads[reader] = (CodePointSet.All, state);
        AddEmpty(state, reader);
    }

    private void Build(RegexNode node, int from, int to)
    {
        _meter.Add(1);
        switch (node)
        {
            case RegexNode.Chars chars:
                int reader = AddState();
                _reads[reader] = (chars.Set, to);
                AddEmpty(from, reader);
                break;
            case RegexNode.TextStart:
                AddEmpty(from, to, Condition.AtStart);
                break;
            case RegexNode.TextEnd:
                AddEmpty(from, to, Condition.AtEnd);
                break;
            case RegexNode.Alternation alternation:
                foreach (var part in alternation.Parts)
                {
                    Build(part, from, to);
                }

                break;
            case RegexNode.Sequence sequence:
                BuildSequence(sequence.Parts, from, to);
                break;
            case RegexNode.Repeat repeat:
                BuildRepeat(repeat, from, to);
                break;
        }
    }

    private void BuildSequence(IReadOnlyList<RegexNode> parts, int from, int to)
    {
        if (parts.Count == 0)
        {
            AddEmpty(from, to);
        }

        for (int i = 0; i < parts.Count; i++)
        {
            int next = i == parts.Count - 1 ? to : AddState();
            Build(parts[i], from, next);
            from = next;
        }
    }

    private void BuildRepeat(RegexNode.Repeat repeat, int from, int to)
    {
        for (int i = 0; i < repeat.Least; i++)
        {
            int next = AddState();
            Build(repeat.Part, from, next);
            from = next;
        }

        if (repeat.Most is not { } most)
        {
            int loop = AddState();
            AddEmpty(from, loop);
            Build(repeat.Part, loop, loop);
            AddEmpty(loop, to);
            return;
        }

        for (int i = repeat.Least; i < most; i++)
        {
            AddEmpty(from, to);
            int next = AddState();
            Build(repeat.Part, from, next);
            from = next;
        }

        AddEmpty(from, to);
    }

    /// <param name="start">The first state.</param>
    /// <param name="found">States of which the last means that the rest does not matter; null if it always does.</param>
    private Language Determinize(int start, int[]? found)
    {
        _found = found;
        var accepting = new List<bool>();
        var edges = new List<LanguageEdge[]>();

        // The start is a state of its own, because only there does ^ hold.
        int[] initial = Closure([start], atStart: true, atEnd: false);
        if (found is not null && Array.BinarySearch(initial, End) >= 0)
        {
            return Language.All;
        }

        accepting.Add(Closure([start], atStart: true, atEnd: true).Contains(End));
        var splitter = new RangeSplitter();
        edges.Add(EdgesOf(initial, splitter));
        for (int number = 0; number < _subsets.Sets.Count; number++)
        {
            int[] set = _subsets.Sets[number];
            accepting.Add(Closure(set, atStart: false, atEnd: true).Contains(End));
            edges.Add(EdgesOf(set, splitter));
            _meter.CheckStates(number, _place);
        }

        return Language.Trimmed(accepting, edges);
    }

    private LanguageEdge[] EdgesOf(int[] from, RangeSplitter splitter)
    {
        splitter.Clear();
        foreach (int state in from)
        {
            if (_reads[state] is { } read)
            {
                splitter.Add(read.Set, read.To);
            }
        }

        var edges = new List<LanguageEdge>();
        foreach (var (low, high, targets) in splitter.Split())
        {
            _meter.Add(targets.Length + 1);
            int[] set = Closure(targets, atStart: false, atEnd: false);
            edges.Add(new LanguageEdge(low, high, 1 + _subsets.NumberOf(_found is { } found && Array.BinarySearch(set, End) >= 0 ? found : set)));
        }

        return [.. edges];
    }

    private int[] Closure(IReadOnlyList<int> states, bool atStart, bool atEnd)
    {
        var seen = new HashSet<int>(states);
        var waiting = new Stack<int>(states);
        while (waiting.TryPop(out int state))
        {
            foreach (var (to, condition) in _empties[state])
            {
                bool open = condition == Condition.Always || (condition == Condition.AtStart ? atStart : atEnd);
                if (open && seen.Add(to))
                {
                    waiting.Push(to);
                }
            }
        }

        _meter.Add(seen.Count);
        int[] set = [.. seen];
        Array.Sort(set);
        return set;
    }
}
