namespace LlmServe.Constraints.Automata;

/// <summary>Rules that call one another, and the one that a whole text must be.</summary>
internal sealed class RuleSet
{
    /// <summary>The rules by number.</summary>
    public List<RuleGraph> Rules { get; } = [];

    /// <summary>Tokens that the rules name, to read them or to forbid them.</summary>
    public HashSet<int> NamedTokens { get; } = [];

    /// <summary>Rules of whole JSON values in which names of properties are free, so that the names of an object must be told apart.</summary>
    public HashSet<int> JsonRules { get; } = [];

    /// <summary>Whether the names of some object are bounded in length or number, so that all that begin in some way can be used up.</summary>
    public bool HasBoundedNames { get; set; }

    /// <summary>The rule of whole texts.</summary>
    public int Root { get; set; }

    /// <summary>Adds an empty rule.</summary>
    /// <param name="name">How errors call it.</param>
    /// <param name="keepApart">Whether it is never copied into its callers.</param>
    /// <returns>Its number.</returns>
    public int Add(string name, bool keepApart = false)
    {
        Rules.Add(new RuleGraph(name) { KeepApart = keepApart });
        return Rules.Count - 1;
    }

    /// <summary>Adds a rule that is a count of characters.</summary>
    /// <returns>Its number.</returns>
    public int Add(CountedText counted)
    {
        Rules.Add(new RuleGraph("text") { KeepApart = true, Counted = counted });
        return Rules.Count - 1;
    }

    /// <summary>A rule by its number.</summary>
    public RuleGraph this[int rule] => Rules[rule];

    /// <summary>Adds the rules of another set.</summary>
    /// <returns>The number that its root has here.</returns>
    public int Append(RuleSet other)
    {
        int first = Rules.Count;
        NamedTokens.UnionWith(other.NamedTokens);
        JsonRules.UnionWith(other.JsonRules.Select(rule => rule + first));
        HasBoundedNames |= other.HasBoundedNames;
        foreach (var rule in other.Rules)
        {
            for (int i = 0; i < rule.Calls.Count; i++)
            {
                rule.Calls[i] = rule.Calls[i] with { Rule = rule.Calls[i].Rule + first };
            }

            Rules.Add(rule);
        }

        return first + other.Root;
    }
}
