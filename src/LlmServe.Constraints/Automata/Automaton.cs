namespace LlmServe.Constraints.Automata;

/// <summary>
/// The compiled form of a rule: deterministic automata that call one another, in tables. Together with a stack of return states it reads texts byte by
/// byte. Immutable; shared between all sequences that use it.
/// </summary>
internal sealed class Automaton
{
    private const byte AcceptingFlag = 1;
    private const byte CallsFlag = 2;
    private const byte TokensFlag = 4;
    private const byte BytesFlag = 8;

    private readonly byte[] _flags;       // [states]
    private readonly int[] _callStarts;   // [states + 1]
    private readonly CallEdge[] _calls;   // by the state that they leave
    private readonly int[] _tokenStarts;  // [states + 1]
    private readonly TokenEdge[] _tokens; // by the state that they leave

    /// <param name="table">A trimmed table.</param>
    public Automaton(StateTable table)
    {
        StateCount = table.Accepting.Count;
        RootNullable = table.RootNullable;
        RootStart = table.RuleStart[table.Root];
        RuleStart = table.RuleStart;
        (Classes, Next, ClassCount) = ByteClasses.Build(table.Bytes, StateCount);
        _calls = [.. table.Calls.OrderBy(call => call.From).ThenBy(call => call.Rule)];
        _callStarts = StartsOf(_calls.Select(call => call.From));
        _tokens = [.. table.Tokens.OrderBy(edge => edge.From).ThenBy(edge => edge.Token)];
        _tokenStarts = StartsOf(_tokens.Select(edge => edge.From));
        _flags = new byte[StateCount];
        for (int state = 0; state < StateCount; state++)
        {
            _flags[state] = (byte)((table.Accepting[state] ? AcceptingFlag : 0) | (Calls(state).IsEmpty ? 0 : CallsFlag) | (Tokens(state).IsEmpty ? 0 : TokensFlag));
        }

        table.Bytes.ForEach(edge => _flags[edge.From] |= BytesFlag);
        StartOrder = OrderStarts();
    }

    /// <summary>Number of states.</summary>
    public int StateCount { get; }

    /// <summary>Number of classes of bytes that no state tells apart.</summary>
    public int ClassCount { get; }

    /// <summary>[256] The class of each byte.</summary>
    public byte[] Classes { get; }

    /// <summary>[states, classes] Where each class of bytes leads; −1: nowhere.</summary>
    public int[] Next { get; }

    /// <summary>Where whole texts begin.</summary>
    public int RootStart { get; }

    /// <summary>Whether the empty text is a whole text.</summary>
    public bool RootNullable { get; }

    /// <summary>[rules] Where each rule begins; −1 for those that are not called.</summary>
    public int[] RuleStart { get; }

    /// <summary>[states] For starts of rules: a number that is smaller than that of every start that this one can call.</summary>
    public int[] StartOrder { get; }

    /// <summary>Whether any state reads single tokens.</summary>
    public bool HasAnyTokens => _tokens.Length > 0;

    /// <summary>Memory of the tables in bytes.</summary>
    public long Bytes => 4L * (Next.Length + StartOrder.Length + _callStarts.Length + _tokenStarts.Length) + 12L * (_calls.Length + _tokens.Length) + _flags.Length;

    /// <summary>Whether a text of the state's rule may end there.</summary>
    public bool IsAccepting(int state) => (_flags[state] & AcceptingFlag) != 0;

    /// <summary>Whether the state calls rules.</summary>
    public bool HasCalls(int state) => (_flags[state] & CallsFlag) != 0;

    /// <summary>Whether the state reads single tokens.</summary>
    public bool HasTokens(int state) => (_flags[state] & TokensFlag) != 0;

    /// <summary>Whether entering the state has no consequence beyond being there: it neither accepts nor calls.</summary>
    public bool IsPlain(int state) => (_flags[state] & (AcceptingFlag | CallsFlag)) == 0;

    /// <summary>Whether the state accepts and does nothing else.</summary>
    public bool IsLast(int state) => _flags[state] == AcceptingFlag;

    /// <summary>Whether anything can be read from the state.</summary>
    public bool Continues(int state) => (_flags[state] & ~AcceptingFlag) != 0;

    /// <summary>The calls of a state.</summary>
    public ReadOnlySpan<CallEdge> Calls(int state) => _calls.AsSpan(_callStarts[state], _callStarts[state + 1] - _callStarts[state]);

    /// <summary>The single tokens that a state reads.</summary>
    public ReadOnlySpan<TokenEdge> Tokens(int state) => _tokens.AsSpan(_tokenStarts[state], _tokenStarts[state + 1] - _tokenStarts[state]);

    /// <summary>Where a byte leads; −1: nowhere.</summary>
    public int Step(int state, byte value) => Next[state * ClassCount + Classes[value]];

    private int[] StartsOf(IEnumerable<int> froms)
    {
        int[] starts = new int[StateCount + 1];
        foreach (int from in froms)
        {
            starts[from + 1]++;
        }

        for (int state = 0; state < StateCount; state++)
        {
            starts[state + 1] += starts[state];
        }

        return starts;
    }

    /// <summary>Numbers callers before what they call. There is such an order because no rule begins with itself.</summary>
    private int[] OrderStarts()
    {
        var components = StrongComponents.Find(StateCount, StartsCalledAt);
        int[] order = new int[StateCount];
        for (int state = 0; state < StateCount; state++)
        {
            order[state] = -components.Of[state];
        }

        return order;
    }

    private List<int> StartsCalledAt(int state)
    {
        var starts = new List<int>();
        foreach (var call in Calls(state))
        {
            starts.Add(RuleStart[call.Rule]);
        }

        return starts;
    }
}
