namespace LlmServe.Constraints.Automata;

/// <summary>An edge that reads one byte in a range.</summary>
internal readonly record struct ByteEdge(int From, byte Low, byte High, int To);

/// <summary>An edge that reads one text of another rule.</summary>
internal readonly record struct CallEdge(int From, int Rule, int To);

/// <summary>An edge that reads one token by its id, whatever bytes it stands for.</summary>
internal readonly record struct TokenEdge(int From, int Token, int To);

/// <summary>
/// One rule as a nondeterministic automaton: edges over bytes, single tokens, texts of other rules, and nothing. A text of the rule is a path from
/// <see cref="Start"/> to <see cref="End"/>.
/// </summary>
/// <param name="name">How errors call the rule.</param>
internal sealed class RuleGraph(string name)
{
    /// <summary>How errors call the rule.</summary>
    public string Name { get; } = name;

    /// <summary>Number of states; they are numbered from 0.</summary>
    public int StateCount { get; private set; } = 2;

    /// <summary>Where texts begin.</summary>
    public const int Start = 0;

    /// <summary>Where texts end.</summary>
    public const int End = 1;

    /// <summary>Whether the rule keeps an automaton of its own, which all callers share, even where it could be copied into them.</summary>
    public bool KeepApart { get; set; }

    /// <summary>Not null for a rule that is a count of characters; then it has no edges.</summary>
    public CountedText? Counted { get; init; }

    /// <summary>Edges that read a byte.</summary>
    public List<ByteEdge> Bytes { get; } = [];

    /// <summary>Edges that read another rule.</summary>
    public List<CallEdge> Calls { get; } = [];

    /// <summary>Edges that read a token.</summary>
    public List<TokenEdge> Tokens { get; } = [];

    /// <summary>Edges that read nothing: (from, to).</summary>
    public List<(int From, int To)> Empties { get; } = [];

    /// <summary>States and edges together: the room that a copy takes.</summary>
    public int Size => StateCount + Bytes.Count + Calls.Count + Tokens.Count + Empties.Count;

    /// <summary>Adds a state.</summary>
    public int AddState() => StateCount++;

    /// <summary>Adds an edge that reads one byte from <paramref name="low"/> to <paramref name="high"/>.</summary>
    public void AddBytes(int from, byte low, byte high, int to) => Bytes.Add(new ByteEdge(from, low, high, to));

    /// <summary>Adds an edge that reads a text of <paramref name="rule"/>.</summary>
    public void AddCall(int from, int rule, int to) => Calls.Add(new CallEdge(from, rule, to));

    /// <summary>Adds an edge that reads the token <paramref name="token"/>.</summary>
    public void AddToken(int from, int token, int to) => Tokens.Add(new TokenEdge(from, token, to));

    /// <summary>Adds an edge that reads nothing.</summary>
    public void AddEmpty(int from, int to)
    {
        if (from != to)
        {
            Empties.Add((from, to));
        }
    }

    /// <summary>Adds a path that reads exactly these bytes.</summary>
    public void AddLiteral(int from, ReadOnlySpan<byte> literal, int to)
    {
        if (literal.IsEmpty)
        {
            AddEmpty(from, to);
            return;
        }

        for (int i = 0; i < literal.Length; i++)
        {
            int next = i == literal.Length - 1 ? to : AddState();
            AddBytes(from, literal[i], literal[i], next);
            from = next;
        }
    }

    /// <summary>Adds a path that reads exactly this text in UTF-8.</summary>
    public void AddLiteral(int from, string literal, int to) => AddLiteral(from, System.Text.Encoding.UTF8.GetBytes(literal), to);
}
