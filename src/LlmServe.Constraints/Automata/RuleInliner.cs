namespace LlmServe.Constraints.Automata;

/// <summary>
/// Copies small rules into their callers. What a rule says is the same afterwards, but its automaton becomes deterministic over the borders of rules,
/// so that fewer alternatives have to be followed side by side.
/// </summary>
internal static class RuleInliner
{
    private const int LargestCopy = 400;
    private const int LargestRule = 20_000;

    /// <summary>Replaces the calls of all rules that are small, do not come back to themselves and are not kept apart.</summary>
    public static void Inline(RuleSet rules, WorkMeter meter)
    {
        bool[] recursive = RuleAnalysis.Recursive(rules);
        var components = StrongComponents.Find(rules.Rules.Count, rule => rules[rule].Calls.Select(call => call.Rule));
        foreach (int rule in Enumerable.Range(0, rules.Rules.Count).OrderBy(rule => components.Of[rule]).ThenBy(rule => rule))
        {
            InlineInto(rules, rules[rule], recursive, meter);
        }
    }

    private static void InlineInto(RuleSet rules, RuleGraph caller, bool[] recursive, WorkMeter meter)
    {
        CallEdge[] calls = [.. caller.Calls];
        caller.Calls.Clear();
        foreach (var call in calls)
        {
            var callee = rules[call.Rule];
            if (recursive[call.Rule] || callee.KeepApart || callee.Size > LargestCopy || caller.Size + callee.Size > LargestRule)
            {
                caller.Calls.Add(call);
                continue;
            }

            meter.Add(callee.Size);
            Copy(callee, caller, call.From, call.To);
        }
    }

    private static void Copy(RuleGraph callee, RuleGraph caller, int from, int to)
    {
        int first = caller.StateCount;
        for (int i = 0; i < callee.StateCount; i++)
        {
            caller.AddState();
        }

        caller.AddEmpty(from, first + RuleGraph.Start);
        caller.AddEmpty(first + RuleGraph.End, to);
        callee.Empties.ForEach(edge => caller.AddEmpty(first + edge.From, first + edge.To));
        callee.Bytes.ForEach(edge => caller.AddBytes(first + edge.From, edge.Low, edge.High, first + edge.To));
        callee.Calls.ForEach(edge => caller.AddCall(first + edge.From, edge.Rule, first + edge.To));
        callee.Tokens.ForEach(edge => caller.AddToken(first + edge.From, edge.Token, first + edge.To));
    }
}
