namespace LlmServe.Constraints.Automata;

/// <summary>The edges of a rule by the state that they leave.</summary>
internal sealed class GraphEdges
{
    private readonly List<int>?[] _empties;
    private readonly List<ByteEdge>?[] _bytes;
    private readonly List<CallEdge>?[] _calls;
    private readonly List<TokenEdge>?[] _tokens;

    /// <param name="graph">Whose edges.</param>
    public GraphEdges(RuleGraph graph)
    {
        _empties = Group(graph.StateCount, graph.Empties, e => e.From, e => e.To);
        _bytes = Group(graph.StateCount, graph.Bytes, e => e.From, e => e);
        _calls = Group(graph.StateCount, graph.Calls, e => e.From, e => e);
        _tokens = Group(graph.StateCount, graph.Tokens, e => e.From, e => e);
    }

    /// <summary>States reached by reading nothing.</summary>
    public IReadOnlyList<int> Empties(int state) => _empties[state] ?? (IReadOnlyList<int>)[];

    /// <summary>Edges over bytes.</summary>
    public IReadOnlyList<ByteEdge> Bytes(int state) => _bytes[state] ?? (IReadOnlyList<ByteEdge>)[];

    /// <summary>Edges over rules.</summary>
    public IReadOnlyList<CallEdge> Calls(int state) => _calls[state] ?? (IReadOnlyList<CallEdge>)[];

    /// <summary>Edges over tokens.</summary>
    public IReadOnlyList<TokenEdge> Tokens(int state) => _tokens[state] ?? (IReadOnlyList<TokenEdge>)[];

    private static List<TOut>?[] Group<TIn, TOut>(int states, List<TIn> edges, Func<TIn, int> from, Func<TIn, TOut> value)
    {
        var groups = new List<TOut>?[states];
        foreach (var edge in edges)
        {
            (groups[from(edge)] ??= []).Add(value(edge));
        }

        return groups;
    }
}
