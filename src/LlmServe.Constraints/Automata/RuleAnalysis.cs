namespace LlmServe.Constraints.Automata;

/// <summary>What follows from the rules alone: which can be empty, which begin with themselves, which come back to themselves.</summary>
internal static class RuleAnalysis
{
    /// <summary>[rules] Whether the empty text is one of the rule's.</summary>
    public static bool[] Nullable(RuleSet rules)
    {
        int count = rules.Rules.Count;
        bool[] nullable = new bool[count];
        var callers = new EdgeIndex(count);
        foreach (var call in rules.Rules.SelectMany(rule => rule.Calls))
        {
            callers.Count(call.Rule);
        }

        callers.Seal();
        for (int rule = 0; rule < count; rule++)
        {
            rules[rule].Calls.ForEach(call => callers.Add(call.Rule, rule));
        }

        var waiting = new Queue<int>(Enumerable.Range(0, count));
        while (waiting.TryDequeue(out int rule))
        {
            if (!nullable[rule] && ReachesEnd(rules[rule], nullable))
            {
                nullable[rule] = true;
                foreach (int caller in callers[rule])
                {
                    waiting.Enqueue(caller);
                }
            }
        }

        return nullable;
    }

    /// <summary>Finds a rule that begins with itself, so that reading it would never come to a byte.</summary>
    /// <returns>The rule's number, or −1.</returns>
    public static int FindLeftRecursion(RuleSet rules, bool[] nullable)
    {
        var left = new List<int>[rules.Rules.Count];
        for (int rule = 0; rule < left.Length; rule++)
        {
            left[rule] = LeftCalls(rules[rule], nullable);
        }

        return FindCycle(left);
    }

    /// <summary>[rules] Whether a rule can come to itself again.</summary>
    public static bool[] Recursive(RuleSet rules)
    {
        var components = StrongComponents.Find(rules.Rules.Count, rule => rules[rule].Calls.Select(call => call.Rule));
        bool[] recursive = new bool[rules.Rules.Count];
        for (int rule = 0; rule < recursive.Length; rule++)
        {
            recursive[rule] = components.Sizes[components.Of[rule]] > 1 || rules[rule].Calls.Exists(call => call.Rule == rule);
        }

        return recursive;
    }

    /// <summary>The rules that a rule can begin with.</summary>
    private static List<int> LeftCalls(RuleGraph graph, bool[] nullable)
    {
        var edges = new GraphEdges(graph);
        bool[] seen = new bool[graph.StateCount];
        var waiting = new Stack<int>([RuleGraph.Start]);
        seen[RuleGraph.Start] = true;
        var calls = new List<int>();
        while (waiting.TryPop(out int state))
        {
            foreach (int next in edges.Empties(state))
            {
                Visit(next);
            }

            foreach (var call in edges.Calls(state))
            {
                calls.Add(call.Rule);
                if (nullable[call.Rule])
                {
                    Visit(call.To);
                }
            }
        }

        return calls;

        void Visit(int next)
        {
            if (!seen[next])
            {
                seen[next] = true;
                waiting.Push(next);
            }
        }
    }

    private static int FindCycle(List<int>[] edges)
    {
        var components = StrongComponents.Find(edges.Length, rule => edges[rule]);
        for (int rule = 0; rule < edges.Length; rule++)
        {
            if (components.Sizes[components.Of[rule]] > 1 || edges[rule].Contains(rule))
            {
                return rule;
            }
        }

        return -1;
    }

    /// <summary>Whether the end can be reached by empty edges and by calls of rules that can be empty.</summary>
    private static bool ReachesEnd(RuleGraph graph, bool[] nullable)
    {
        var next = new List<int>?[graph.StateCount];
        foreach (var (from, to) in graph.Empties)
        {
            Add(from, to);
        }

        foreach (var call in graph.Calls.Where(call => nullable[call.Rule]))
        {
            Add(call.From, call.To);
        }

        bool[] seen = new bool[graph.StateCount];
        var waiting = new Stack<int>([RuleGraph.Start]);
        seen[RuleGraph.Start] = true;
        while (waiting.TryPop(out int state))
        {
            if (state == RuleGraph.End)
            {
                return true;
            }

            foreach (int to in next[state] ?? [])
            {
                if (!seen[to])
                {
                    seen[to] = true;
                    waiting.Push(to);
                }
            }
        }

        return false;

        void Add(int from, int to) => (next[from] ??= []).Add(to);
    }
}
