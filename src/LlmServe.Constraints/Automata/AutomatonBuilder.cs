namespace LlmServe.Constraints.Automata;

/// <summary>From rules to the automaton: checks, copies small rules into their callers, makes each deterministic, trims, merges equal states.</summary>
internal static class AutomatonBuilder
{
    /// <summary>Builds the automaton of whole texts.</summary>
    /// <param name="rules">The rules; small ones are copied into their callers on the way.</param>
    /// <param name="meter">Counts the work.</param>
    /// <exception cref="ConstraintException">A rule begins with itself, nothing satisfies the rules, or they are too large.</exception>
    public static StateTable Build(RuleSet rules, WorkMeter meter)
    {
        bool[] nullable = RuleAnalysis.Nullable(rules);
        int recursive = RuleAnalysis.FindLeftRecursion(rules, nullable);
        if (recursive >= 0)
        {
            throw new ConstraintException($"rule {rules[recursive].Name}", "it begins with itself (left recursion); let it begin with something else and repeat");
        }

        RuleInliner.Inline(rules, meter);
        var table = Determinize(rules, nullable, meter).Trim();
        if (table.RuleStart[rules.Root] < 0)
        {
            throw new ConstraintException("the rule", "no text satisfies it");
        }

        return StateMinimizer.Minimize(table, meter);
    }

    private static StateTable Determinize(RuleSet rules, bool[] nullable, WorkMeter meter)
    {
        int[] starts = new int[rules.Rules.Count];
        Array.Fill(starts, -1);
        var table = new StateTable
        {
            RuleStart = starts, Root = rules.Root, RootNullable = nullable[rules.Root], JsonRules = rules.JsonRules, HasBoundedNames = rules.HasBoundedNames,
        };
        var waiting = new Queue<int>([rules.Root]);
        var seen = new HashSet<int> { rules.Root };
        while (waiting.TryDequeue(out int rule))
        {
            starts[rule] = rules[rule].Counted is { } counted ? table.Add(counted) : new RuleDeterminizer(rules[rule], nullable, table, meter).Add();
            foreach (var call in rules[rule].Calls)
            {
                if (seen.Add(call.Rule))
                {
                    waiting.Enqueue(call.Rule);
                }
            }
        }

        return table;
    }
}
