namespace LlmServe.Constraints.Automata;

/// <summary>Which bytes the rules that a state calls can begin with.</summary>
/// <param name="automaton">The automaton.</param>
internal sealed class CallReach(Automaton automaton)
{
    private readonly Dictionary<int, HashSet<int>> _known = [];

    /// <summary>Classes of bytes with which a text of a rule that the state calls can begin.</summary>
    public IReadOnlyCollection<int> ClassesReadByCalls(int state)
    {
        var classes = new HashSet<int>();
        foreach (var call in automaton.Calls(state))
        {
            classes.UnionWith(ClassesReadAt(automaton.RuleStart[call.Rule]));
        }

        return classes;
    }

    /// <summary>Classes that a start reads itself or by its calls. No rule begins with itself, so this ends.</summary>
    private HashSet<int> ClassesReadAt(int start)
    {
        if (_known.TryGetValue(start, out var known))
        {
            return known;
        }

        var classes = automaton.IsCounted(start)
            ? [.. Enumerable.Range(0, 256).Where(value => automaton.Step(start, (byte)value) >= 0).Select(value => (int)automaton.Classes[value])]
            : Enumerable.Range(0, automaton.ClassCount).Where(value => automaton.Next[(start * automaton.ClassCount) + value] >= 0).ToHashSet();
        foreach (var call in automaton.Calls(start))
        {
            classes.UnionWith(ClassesReadAt(automaton.RuleStart[call.Rule]));
        }

        _known.Add(start, classes);
        return classes;
    }
}
