namespace LlmServe.Constraints.Automata;

/// <summary>
/// The deterministic automata of all rules side by side, while they are being made. In a state each byte, each called rule and each token leads to at
/// most one state. Edges are ordered by the state that they leave.
/// </summary>
internal sealed class StateTable
{
    /// <summary>[states] Whether a text of the state's rule may end there.</summary>
    public List<bool> Accepting { get; } = [];

    /// <summary>Edges over bytes.</summary>
    public List<ByteEdge> Bytes { get; } = [];

    /// <summary>Edges over rules; the empty text of a rule is never meant, because it has been taken into the caller.</summary>
    public List<CallEdge> Calls { get; } = [];

    /// <summary>Edges over tokens.</summary>
    public List<TokenEdge> Tokens { get; } = [];

    /// <summary>
    /// Counts of characters. Each has two states here that stand for it: its start, and behind the closing quote its end; a token edge from one to the
    /// other, with the number <see cref="FirstCounted"/> and up, says which it is.
    /// </summary>
    public List<CountedText> Counted { get; private init; } = [];

    /// <summary>Token numbers from here on stand for entries of <see cref="Counted"/>.</summary>
    public const int FirstCounted = 1 << 28;

    /// <summary>[rules] Where each rule begins; −1 for a rule that is not used. A rule's start never accepts.</summary>
    public required int[] RuleStart { get; init; }

    /// <summary>The rule of whole texts.</summary>
    public required int Root { get; init; }

    /// <summary>Whether the empty text is a whole text.</summary>
    public required bool RootNullable { get; init; }

    /// <summary>Rules of whole JSON values whose names must be told apart.</summary>
    public IReadOnlyCollection<int> JsonRules { get; init; } = [];

    /// <summary>Whether names can be used up.</summary>
    public bool HasBoundedNames { get; init; }

    /// <summary>A table without states for the same rules.</summary>
    /// <param name="starts">Where the rules will begin.</param>
    public StateTable Like(int[] starts) => new()
    {
        RuleStart = starts, Root = Root, RootNullable = RootNullable, Counted = Counted, JsonRules = JsonRules, HasBoundedNames = HasBoundedNames,
    };

    /// <summary>Adds the states that stand for a count of characters.</summary>
    /// <returns>Its start.</returns>
    public int Add(CountedText counted)
    {
        int start = Accepting.Count;
        Accepting.Add(false);
        Accepting.Add(true);
        Bytes.Add(new ByteEdge(start, (byte)'"', (byte)'"', start + 1));
        Tokens.Add(new TokenEdge(start, FirstCounted + Counted.Count, start + 1));
        Counted.Add(counted);
        return start;
    }

    /// <summary>Removes states that lead nowhere or are never reached. A rule that has no text loses its calls.</summary>
    /// <param name="usable">[256] Bytes that can be written at all; edges over others go.</param>
    public StateTable Trim(bool[]? usable = null)
    {
        var bytes = usable is null ? Bytes : Restrict(usable);
        bool[] live = FindLive(bytes);
        int[] number = FindReachable(bytes, live, out int count);
        var trimmed = Like([.. RuleStart.Select(start => start < 0 ? -1 : number[start])]);
        int[] order = new int[count];
        for (int state = 0; state < number.Length; state++)
        {
            if (number[state] >= 0)
            {
                order[number[state]] = state;
            }
        }

        trimmed.Accepting.AddRange(order.Select(state => Accepting[state]));
        trimmed.Bytes.AddRange(bytes.Where(e => Kept(e.From, e.To)).Select(e => e with { From = number[e.From], To = number[e.To] }).OrderBy(e => e.From));
        trimmed.Calls.AddRange(Calls.Where(e => Kept(e.From, e.To) && Kept(RuleStart[e.Rule], e.To))
            .Select(e => e with { From = number[e.From], To = number[e.To] }).OrderBy(e => e.From));
        trimmed.Tokens.AddRange(Tokens.Where(e => Kept(e.From, e.To)).Select(e => e with { From = number[e.From], To = number[e.To] }).OrderBy(e => e.From));
        return trimmed;

        bool Kept(int from, int to) => number[from] >= 0 && number[to] >= 0;
    }

    private List<ByteEdge> Restrict(bool[] usable)
    {
        var kept = new List<ByteEdge>(Bytes.Count);
        foreach (var edge in Bytes)
        {
            for (int low = edge.Low; low <= edge.High; low++)
            {
                int high = low;
                while (high <= edge.High && usable[high])
                {
                    high++;
                }

                if (high > low)
                {
                    kept.Add(edge with { Low = (byte)low, High = (byte)(high - 1) });
                    low = high;
                }
            }
        }

        return kept;
    }

    /// <summary>[states] Whether some text leads from the state to an accepting one.</summary>
    private bool[] FindLive(List<ByteEdge> bytes)
    {
        var into = new EdgeIndex(Accepting.Count);
        bytes.ForEach(edge => into.Count(edge.To));
        Tokens.ForEach(edge => into.Count(edge.To));
        into.Seal();
        bytes.ForEach(edge => into.Add(edge.To, edge.From));
        Tokens.ForEach(edge => into.Add(edge.To, edge.From));
        var callsInto = Calls.ToLookup(call => call.To);
        var callsOf = Calls.ToLookup(call => RuleStart[call.Rule]);
        bool[] live = new bool[Accepting.Count];
        var waiting = new Stack<int>();
        for (int state = 0; state < live.Length; state++)
        {
            if (Accepting[state])
            {
                Mark(state);
            }
        }

        while (waiting.TryPop(out int state))
        {
            foreach (int from in into[state])
            {
                Mark(from);
            }

            // A call is passable once its rule has a text and its target leads somewhere, whichever comes last.
            foreach (var call in callsInto[state])
            {
                MarkIf(call.From, live[RuleStart[call.Rule]]);
            }

            foreach (var call in callsOf[state])
            {
                MarkIf(call.From, live[call.To]);
            }
        }

        return live;

        void Mark(int state) => MarkIf(state, true);

        void MarkIf(int state, bool condition)
        {
            if (condition && !live[state])
            {
                live[state] = true;
                waiting.Push(state);
            }
        }
    }

    /// <summary>[states] New numbers, in the order in which states are met from the root; −1 for those that are not.</summary>
    private int[] FindReachable(List<ByteEdge> bytes, bool[] live, out int count)
    {
        var outOf = new EdgeIndex(Accepting.Count);
        bytes.ForEach(edge => outOf.Count(edge.From));
        Tokens.ForEach(edge => outOf.Count(edge.From));
        Calls.ForEach(edge => outOf.Count(edge.From, 2));
        outOf.Seal();
        bytes.ForEach(edge => outOf.Add(edge.From, edge.To));
        Tokens.ForEach(edge => outOf.Add(edge.From, edge.To));
        foreach (var call in Calls)
        {
            bool passable = live[RuleStart[call.Rule]] && live[call.To];
            outOf.Add(call.From, passable ? RuleStart[call.Rule] : call.From);
            outOf.Add(call.From, passable ? call.To : call.From);
        }

        int[] number = new int[Accepting.Count];
        Array.Fill(number, -1);
        var waiting = new Queue<int>();
        int met = 0;
        live[RuleStart[Root]] |= RootNullable; // the empty text needs a state to stand in
        Visit(RuleStart[Root]);
        while (waiting.TryDequeue(out int state))
        {
            foreach (int to in outOf[state])
            {
                Visit(to);
            }
        }

        count = met;
        return number;

        void Visit(int state)
        {
            if (live[state] && number[state] < 0)
            {
                number[state] = met++;
                waiting.Enqueue(state);
            }
        }
    }
}
