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
    private readonly int[] _startOrder;   // [states]
    private readonly bool[] _isCalled;    // [states]
    private readonly int[] _jsonStarts;   // ascending
    private readonly int[] _callStarts;   // [states + 1]
    private readonly CallEdge[] _calls;   // by the state that they leave
    private readonly int[] _tokenStarts;  // [states + 1]
    private readonly TokenEdge[] _tokens; // by the state that they leave

    private readonly CountedRegion[] _regions;

    /// <param name="table">A trimmed table.</param>
    /// <param name="units">[<see cref="CountedUnit"/>] How the characters that are counted are written.</param>
    public Automaton(StateTable table, UnitTable[] units)
    {
        StateCount = table.Accepting.Count;
        RootNullable = table.RootNullable;
        RootStart = table.RuleStart[table.Root];
        (Classes, Next, ClassCount) = ByteClasses.Build(table.Bytes, StateCount);
        _calls = [.. table.Calls.OrderBy(call => call.From).ThenBy(call => call.Rule)];
        _callStarts = StartsOf(_calls.Select(call => call.From));
        _tokens = [.. table.Tokens.Where(edge => edge.Token < StateTable.FirstCounted).OrderBy(edge => edge.From).ThenBy(edge => edge.Token)];
        _regions = CountedRegion.LayOut(table, units);
        RuleStart = [.. table.RuleStart.Select(start => Array.Find(_regions, region => region.StandIn == start)?.First ?? start)];
        _tokenStarts = StartsOf(_tokens.Select(edge => edge.From));
        _flags = new byte[StateCount];
        for (int state = 0; state < StateCount; state++)
        {
            _flags[state] = (byte)((table.Accepting[state] ? AcceptingFlag : 0) | (Calls(state).IsEmpty ? 0 : CallsFlag) | (Tokens(state).IsEmpty ? 0 : TokensFlag));
        }

        table.Bytes.ForEach(edge => _flags[edge.From] |= BytesFlag);
        _startOrder = OrderStarts();
        _jsonStarts = [.. table.JsonRules.Select(rule => RuleStart[rule]).Where(start => start >= 0).Order()];
        HasBoundedNames = table.HasBoundedNames;
        Simple = FindSimpleSteps();
        _isCalled = FindCalled();
    }

    /// <summary>Whether there is JSON in which the names of an object must be told apart.</summary>
    public bool TracksNames => _jsonStarts.Length > 0;

    /// <summary>Whether the names of some object can be used up.</summary>
    public bool HasBoundedNames { get; }

    /// <summary>Number of states in the tables. States from here on are counts of characters (<see cref="CountedRegion"/>).</summary>
    public int StateCount { get; }

    /// <summary>Number of classes of bytes that no state tells apart.</summary>
    public int ClassCount { get; }

    /// <summary>[256] The class of each byte.</summary>
    public byte[] Classes { get; }

    /// <summary>[states, classes] Where each class of bytes leads; −1: nowhere.</summary>
    public int[] Next { get; }

    /// <summary>
    /// [states, classes] As <see cref="Next"/>, but with <see cref="Ends"/> where the state that is reached accepts, and <see cref="NotSimple"/> where a
    /// rule that the state calls could read the byte as well.
    /// </summary>
    public int[] Simple { get; }

    /// <summary>Added to a state that accepts.</summary>
    public const int Ends = 1 << 30;

    /// <summary>A step that takes stacks to follow.</summary>
    public const int NotSimple = -2;

    /// <summary>Where whole texts begin.</summary>
    public int RootStart { get; }

    /// <summary>Whether the empty text is a whole text.</summary>
    public bool RootNullable { get; }

    /// <summary>[rules] Where each rule begins; −1 for those that are not called.</summary>
    public int[] RuleStart { get; }

    /// <summary>Whether any state reads single tokens.</summary>
    public bool HasAnyTokens => _tokens.Length > 0;

    /// <summary>Memory of the tables in bytes.</summary>
    public long Bytes => 4L * (Next.Length + Simple.Length + _startOrder.Length + _callStarts.Length + _tokenStarts.Length) + 12L * (_calls.Length + _tokens.Length) + _flags.Length;

    /// <summary>Whether a text of the state's rule may end there.</summary>
    public bool IsAccepting(int state) => (FlagsOf(state) & AcceptingFlag) != 0;

    /// <summary>Whether the state calls rules.</summary>
    public bool HasCalls(int state) => (FlagsOf(state) & CallsFlag) != 0;

    /// <summary>Whether the state reads single tokens.</summary>
    public bool HasTokens(int state) => (FlagsOf(state) & TokensFlag) != 0;

    /// <summary>Whether the state accepts and does nothing else.</summary>
    public bool IsLast(int state) => FlagsOf(state) == AcceptingFlag;

    /// <summary>Whether anything can be read from the state.</summary>
    public bool Continues(int state) => (FlagsOf(state) & ~AcceptingFlag) != 0;

    /// <summary>Whether the state is a count of characters.</summary>
    public bool IsCounted(int state) => state >= StateCount;

    /// <summary>For the start of a rule: a number that is smaller than that of every start that this one can call.</summary>
    public int StartOrder(int state) => IsCounted(state) ? int.MaxValue : _startOrder[state];

    /// <summary>The counts of characters that a counted state belongs to.</summary>
    public CountedRegion RegionOf(int state)
    {
        int index = _regions.Length - 1;
        while (_regions[index].First > state)
        {
            index--;
        }

        return _regions[index];
    }

    /// <summary>Whether a whole JSON value begins in the state.</summary>
    public bool IsJsonStart(int state) => Array.BinarySearch(_jsonStarts, state) >= 0;

    /// <summary>Whether the state belongs to a rule that is called, so that something lies below it.</summary>
    public bool IsCalled(int state) => IsCounted(state) || _isCalled[state];

    /// <summary>The calls of a state.</summary>
    public ReadOnlySpan<CallEdge> Calls(int state) => IsCounted(state) ? [] : _calls.AsSpan(_callStarts[state], _callStarts[state + 1] - _callStarts[state]);

    /// <summary>The single tokens that a state reads.</summary>
    public ReadOnlySpan<TokenEdge> Tokens(int state) => IsCounted(state) ? [] : _tokens.AsSpan(_tokenStarts[state], _tokenStarts[state + 1] - _tokenStarts[state]);

    /// <summary>Where a byte leads; −1: nowhere.</summary>
    public int Step(int state, byte value) => IsCounted(state) ? RegionOf(state).Step(state, value) : Next[(state * ClassCount) + Classes[value]];

    private bool[] FindCalled()
    {
        bool[] called = new bool[StateCount];
        var waiting = new Stack<int>();
        foreach (int start in _calls.Select(call => RuleStart[call.Rule]).Where(start => !IsCounted(start)))
        {
            Visit(start);
        }

        while (waiting.TryPop(out int state))
        {
            for (int i = 0; i < ClassCount; i++)
            {
                Visit(Next[(state * ClassCount) + i]);
            }

            foreach (var call in Calls(state))
            {
                Visit(call.To);
            }

            foreach (var edge in Tokens(state))
            {
                Visit(edge.To);
            }
        }

        return called;

        void Visit(int state)
        {
            if (state >= 0 && !called[state])
            {
                called[state] = true;
                waiting.Push(state);
            }
        }
    }

    private int[] FindSimpleSteps()
    {
        int[] simple = [.. Next];
        for (int i = 0; i < simple.Length; i++)
        {
            simple[i] += simple[i] >= 0 && IsAccepting(simple[i]) ? Ends : 0;
        }

        var reach = new CallReach(this);
        for (int state = 0; state < StateCount; state++)
        {
            if (HasCalls(state))
            {
                foreach (int value in reach.ClassesReadByCalls(state))
                {
                    simple[(state * ClassCount) + value] = NotSimple;
                }
            }
        }

        return simple;
    }

    private byte FlagsOf(int state) => IsCounted(state) ? BytesFlag : _flags[state];

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
            if (!IsCounted(RuleStart[call.Rule]))
            {
                starts.Add(RuleStart[call.Rule]);
            }
        }

        return starts;
    }
}
