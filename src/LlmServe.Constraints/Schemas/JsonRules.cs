using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Schemas;

/// <summary>The rules of JSON that schemas build on, added to a set when they are first used.</summary>
/// <param name="rules">The set.</param>
/// <param name="whitespace">White space between tokens.</param>
internal sealed class JsonRules(RuleSet rules, JsonWhitespace whitespace)
{
    private const int LongestBlank = 20;

    private readonly Dictionary<CountedText, int> _counted = [];
    private readonly Dictionary<string, int> _named = [];

    /// <summary>Any value.</summary>
    public int Value => Rule("any value", WriteValue);

    /// <summary>Any object.</summary>
    public int Object => Rule("any object", WriteObject);

    /// <summary>Whether there is a rule of an object with free names.</summary>
    public bool HasFreeNames { get; private set; }

    /// <summary>Any array.</summary>
    public int Array => Rule("any array", WriteArray);

    /// <summary>Any number.</summary>
    public int Number => Rule("any number", graph => WriteNumber(graph, fraction: true));

    /// <summary>Any integer.</summary>
    public int Integer => Rule("any integer", graph => WriteNumber(graph, fraction: false));

    /// <summary>The inside of a string of any text, and the quote that closes it.</summary>
    public int AnyText => Counted(CountedUnit.Text, 0, null);

    /// <summary>The inside of any property's name, and the quote that closes it.</summary>
    public int AnyName => Counted(CountedUnit.Name, 0, null);

    /// <summary>The inside of a string with a number of characters, and the quote that closes it.</summary>
    public int Counted(CountedUnit unit, int least, int? most)
    {
        var counted = new CountedText(unit, least, most is { } m ? Math.Min(m, CountedText.LargestCount) : null);
        if (!_counted.TryGetValue(counted, out int rule))
        {
            rule = rules.Add(counted);
            _counted.Add(counted, rule);
        }

        return rule;
    }

    /// <summary>Takes note of an object with free names.</summary>
    /// <param name="names">The names.</param>
    public void AddFreeNames(Language names)
    {
        HasFreeNames = true;
        rules.HasBoundedNames |= names.HasBoundedEnds;
    }

    /// <summary>Takes note of a rule that is a whole JSON value, so that the names of its objects are told apart.</summary>
    public int Whole(int rule)
    {
        if (HasFreeNames)
        {
            rules.JsonRules.Add(rule);
            rules[rule].KeepApart = true;
        }

        return rule;
    }

    /// <summary>A state that is reached with or without white space.</summary>
    public int AddSpace(RuleGraph graph, int from)
    {
        int to = graph.AddState();
        graph.AddEmpty(from, to);
        if (whitespace == JsonWhitespace.Bounded)
        {
            graph.AddCall(from, Rule("white space", WriteSpace), to);
        }

        return to;
    }

    /// <summary>A state that is reached by a character and white space behind it.</summary>
    public int AddMark(RuleGraph graph, int from, char mark)
    {
        int to = graph.AddState();
        graph.AddBytes(from, (byte)mark, (byte)mark, to);
        return AddSpace(graph, to);
    }

    private int Rule(string name, Action<RuleGraph> write)
    {
        if (!_named.TryGetValue(name, out int rule))
        {
            rule = rules.Add(name, keepApart: true);
            _named.Add(name, rule);
            write(rules[rule]);
        }

        return rule;
    }

    private void WriteValue(RuleGraph graph)
    {
        int text = graph.AddState();
        graph.AddBytes(RuleGraph.Start, (byte)'"', (byte)'"', text);
        graph.AddCall(text, AnyText, RuleGraph.End);
        graph.AddCall(RuleGraph.Start, Number, RuleGraph.End);
        graph.AddCall(RuleGraph.Start, Object, RuleGraph.End);
        graph.AddCall(RuleGraph.Start, Array, RuleGraph.End);
        foreach (string word in new[] { "true", "false", "null" })
        {
            graph.AddLiteral(RuleGraph.Start, word, RuleGraph.End);
        }
    }

    private void WriteObject(RuleGraph graph)
    {
        HasFreeNames = true;
        int open = AddMark(graph, RuleGraph.Start, '{');
        int name = graph.AddState();
        int inName = graph.AddState();
        graph.AddEmpty(open, name);
        graph.AddBytes(name, (byte)'"', (byte)'"', inName);
        int named = graph.AddState();
        graph.AddCall(inName, AnyName, named);
        int behind = graph.AddState();
        graph.AddCall(AddMark(graph, named, ':'), Value, behind);
        graph.AddEmpty(AddMark(graph, behind, ','), name);
        graph.AddBytes(open, (byte)'}', (byte)'}', RuleGraph.End);
        graph.AddBytes(AddSpace(graph, behind), (byte)'}', (byte)'}', RuleGraph.End);
    }

    private void WriteArray(RuleGraph graph)
    {
        int open = AddMark(graph, RuleGraph.Start, '[');
        int item = graph.AddState();
        int behind = graph.AddState();
        graph.AddEmpty(open, item);
        graph.AddCall(item, Value, behind);
        graph.AddEmpty(AddMark(graph, behind, ','), item);
        graph.AddBytes(open, (byte)']', (byte)']', RuleGraph.End);
        graph.AddBytes(AddSpace(graph, behind), (byte)']', (byte)']', RuleGraph.End);
    }

    private static void WriteSpace(RuleGraph graph)
    {
        graph.AddBytes(RuleGraph.Start, (byte)' ', (byte)' ', RuleGraph.End);
        int at = graph.AddState();
        graph.AddBytes(RuleGraph.Start, (byte)'\n', (byte)'\n', at);
        for (int i = 0; i < LongestBlank; i++)
        {
            graph.AddEmpty(at, RuleGraph.End);
            int next = graph.AddState();
            graph.AddBytes(at, (byte)' ', (byte)' ', next);
            graph.AddBytes(at, (byte)'\t', (byte)'\t', next);
            at = next;
        }

        graph.AddEmpty(at, RuleGraph.End);
    }

    /// <summary>Numbers with bounded digits, so that they end; without a negative zero.</summary>
    private static void WriteNumber(RuleGraph graph, bool fraction)
    {
        int signed = graph.AddState();
        int whole = graph.AddState();
        graph.AddBytes(RuleGraph.Start, (byte)'-', (byte)'-', signed);
        graph.AddBytes(RuleGraph.Start, (byte)'0', (byte)'0', whole);
        foreach (int from in new[] { RuleGraph.Start, signed })
        {
            int first = graph.AddState();
            graph.AddBytes(from, (byte)'1', (byte)'9', first);
            AddDigits(graph, first, 0, NumberTexts.MostWholeDigits - 1, whole);
        }

        graph.AddEmpty(whole, RuleGraph.End);
        if (!fraction)
        {
            return;
        }

        int point = graph.AddState();
        int behind = graph.AddState();
        graph.AddBytes(whole, (byte)'.', (byte)'.', point);
        AddDigits(graph, point, 1, NumberTexts.MostFractionDigits, behind);
        graph.AddEmpty(behind, RuleGraph.End);
        int minusZero = graph.AddState();
        graph.AddBytes(signed, (byte)'0', (byte)'0', minusZero);
        AddNonZeroFraction(graph, minusZero, behind);
        foreach (int from in new[] { whole, behind })
        {
            AddExponent(graph, from);
        }
    }

    /// <summary>Behind a negative zero, a fraction that makes it less than zero.</summary>
    private static void AddNonZeroFraction(RuleGraph graph, int from, int to)
    {
        int zeros = graph.AddState();
        graph.AddBytes(from, (byte)'.', (byte)'.', zeros);
        for (int i = 0; i < NumberTexts.MostFractionDigits; i++)
        {
            int digit = graph.AddState();
            graph.AddBytes(zeros, (byte)'1', (byte)'9', digit);
            AddDigits(graph, digit, 0, NumberTexts.MostFractionDigits - 1 - i, to);
            int next = graph.AddState();
            graph.AddBytes(zeros, (byte)'0', (byte)'0', next);
            zeros = next;
        }
    }

    private static void AddExponent(RuleGraph graph, int from)
    {
        int mark = graph.AddState();
        int signed = graph.AddState();
        graph.AddBytes(from, (byte)'e', (byte)'e', mark);
        graph.AddBytes(from, (byte)'E', (byte)'E', mark);
        graph.AddEmpty(mark, signed);
        graph.AddBytes(mark, (byte)'+', (byte)'+', signed);
        graph.AddBytes(mark, (byte)'-', (byte)'-', signed);
        AddDigits(graph, signed, 1, NumberTexts.MostExponentDigits, RuleGraph.End);
    }

    private static void AddDigits(RuleGraph graph, int from, int least, int most, int to)
    {
        for (int i = 0; i < most; i++)
        {
            if (i >= least)
            {
                graph.AddEmpty(from, to);
            }

            int next = graph.AddState();
            graph.AddBytes(from, (byte)'0', (byte)'9', next);
            from = next;
        }

        graph.AddEmpty(from, to);
    }
}
