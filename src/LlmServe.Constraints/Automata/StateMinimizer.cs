namespace LlmServe.Constraints.Automata;

/// <summary>Merges states that read the same texts, across all rules (Valmari 2012), so that each distinct state has its tokens computed once.</summary>
internal static class StateMinimizer
{
    private const int MostTransitions = 3_000_000;

    /// <summary>The table with equal states merged. A table that is too large for it comes back as it is.</summary>
    /// <param name="table">A trimmed table.</param>
    /// <param name="meter">Counts the work.</param>
    public static StateTable Minimize(StateTable table, WorkMeter meter)
    {
        var transitions = Transitions(table);
        meter.Add(transitions.Count * 4L);
        if (transitions.Count > MostTransitions)
        {
            return table;
        }

        var states = new RefinablePartition(table.Accepting.Count);
        for (int state = 0; state < table.Accepting.Count; state++)
        {
            if (table.Accepting[state])
            {
                states.Mark(state);
            }
        }

        states.Split();
        Refine(states, table.Accepting.Count, transitions);
        return Merge(table, states);
    }

    private static void Refine(RefinablePartition states, int stateCount, List<(int Tail, int Label, int Head)> transitions)
    {
        var groups = new RefinablePartition(transitions.Count);
        groups.GroupBy([.. transitions.Select(t => t.Label)]);
        var into = new EdgeIndex(stateCount);
        transitions.ForEach(t => into.Count(t.Head));
        into.Seal();
        for (int i = 0; i < transitions.Count; i++)
        {
            into.Add(transitions[i].Head, i);
        }

        int done = 1;
        for (int group = 0; group < groups.Count; group++)
        {
            foreach (int transition in groups[group])
            {
                states.Mark(transitions[transition].Tail);
            }

            states.Split();
            for (; done < states.Count; done++)
            {
                foreach (int state in states[done])
                {
                    foreach (int transition in into[state])
                    {
                        groups.Mark(transition);
                    }
                }

                groups.Split();
            }
        }
    }

    /// <summary>Every edge as (from, label, to); a stretch of bytes that no edge splits is one label.</summary>
    private static List<(int Tail, int Label, int Head)> Transitions(StateTable table)
    {
        int[] stretch = ByteStretches.Find(table.Bytes, out int stretches);
        int rules = table.RuleStart.Length;
        var transitions = new List<(int, int, int)>(table.Bytes.Count * 2);
        foreach (var edge in table.Bytes)
        {
            for (int label = stretch[edge.Low]; label <= stretch[edge.High]; label++)
            {
                transitions.Add((edge.From, label, edge.To));
            }
        }

        table.Calls.ForEach(edge => transitions.Add((edge.From, stretches + edge.Rule, edge.To)));
        table.Tokens.ForEach(edge => transitions.Add((edge.From, stretches + rules + edge.Token, edge.To)));
        return transitions;
    }

    private static StateTable Merge(StateTable table, RefinablePartition states)
    {
        var merged = table.Like([.. table.RuleStart.Select(start => start < 0 ? -1 : states.GroupOf(start))]);
        bool[] first = new bool[table.Accepting.Count];
        for (int group = 0; group < states.Count; group++)
        {
            int representative = states[group][0];
            first[representative] = true;
            merged.Accepting.Add(table.Accepting[representative]);
        }

        merged.Bytes.AddRange(table.Bytes.Where(e => first[e.From]).Select(e => e with { From = states.GroupOf(e.From), To = states.GroupOf(e.To) }));
        merged.Calls.AddRange(table.Calls.Where(e => first[e.From]).Select(e => e with { From = states.GroupOf(e.From), To = states.GroupOf(e.To) }));
        merged.Tokens.AddRange(table.Tokens.Where(e => first[e.From]).Select(e => e with { From = states.GroupOf(e.From), To = states.GroupOf(e.To) }));
        return merged.Trim();
    }
}
