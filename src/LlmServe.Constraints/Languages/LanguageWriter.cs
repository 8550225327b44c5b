using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Languages;

/// <summary>Writes languages into rules.</summary>
internal static class LanguageWriter
{
    /// <summary>Code points that stand for themselves in a JSON string.</summary>
    public static CodePointSet PlainInJson { get; } =
        CodePointSet.Of(0x20, 0x10FFFF).Except(CodePointSet.Of('"')).Except(CodePointSet.Of('\\'));

    private static readonly (char Letter, char Character)[] ShortEscapes =
        [('"', '"'), ('\\', '\\'), ('b', '\b'), ('f', '\f'), ('n', '\n'), ('r', '\r'), ('t', '\t')];

    private static readonly CodePointSet LongEscapes =
        CodePointSet.Of(0, 0x1F).Except(CodePointSet.Of(ShortEscapes.Select(escape => new CodePointRange(escape.Character, escape.Character))));

    /// <summary>Adds paths that read the texts of a language in UTF-8.</summary>
    public static void AddText(RuleGraph graph, int from, Language language, int to)
    {
        var utf8 = new Utf8Graph(graph);
        int[] states = AddStates(graph, from, language);
        for (int state = 0; state < states.Length; state++)
        {
            if (language.IsAccepting(state))
            {
                graph.AddEmpty(states[state], to);
            }

            foreach (var (set, target) in language.Targets(state))
            {
                utf8.Add(states[state], set, states[target]);
            }
        }
    }

    /// <summary>
    /// Adds paths that read the texts of a language as the inside of a JSON string, and the quote that closes it. Each text has one form: the shortest
    /// escapes, and only where JSON needs them.
    /// </summary>
    /// <param name="graph">The rule.</param>
    /// <param name="from">Behind the quote that opens the string.</param>
    /// <param name="language">The texts.</param>
    /// <param name="to">Behind the quote that closes it.</param>
    /// <param name="anything">The rule of any text and the closing quote; it takes over where nothing is asked of the rest.</param>
    public static void AddJson(RuleGraph graph, int from, Language language, int to, int anything)
    {
        var utf8 = new Utf8Graph(graph);
        int[] states = AddStates(graph, from, language);
        for (int state = 0; state < states.Length; state++)
        {
            if (language.AcceptsAllFrom(state))
            {
                graph.AddCall(states[state], anything, to);
                continue;
            }

            if (language.IsAccepting(state))
            {
                graph.AddBytes(states[state], (byte)'"', (byte)'"', to);
            }

            foreach (var (set, target) in language.Targets(state))
            {
                utf8.Add(states[state], set.Intersect(PlainInJson), states[target]);
                AddEscapes(graph, states[state], set, states[target]);
            }
        }
    }

    /// <summary>Adds paths that read one character of a set as it stands in a JSON string, in its one form.</summary>
    public static void AddJsonName(RuleGraph graph, int from, CodePointSet set, int to)
    {
        new Utf8Graph(graph).Add(from, set.Intersect(PlainInJson), to);
        AddEscapes(graph, from, set, to);
    }

    /// <summary>Adds paths that read one character as it stands in a JSON string, in any of its forms. Half of a surrogate pair is none.</summary>
    public static void AddJsonCharacter(RuleGraph graph, int from, int to)
    {
        new Utf8Graph(graph).Add(from, PlainInJson, to);
        int escaped = graph.AddState();
        int digits = graph.AddState();
        int rest = graph.AddState();
        graph.AddBytes(from, (byte)'\\', (byte)'\\', escaped);
        foreach (char letter in "\"\\/bfnrt")
        {
            graph.AddBytes(escaped, (byte)letter, (byte)letter, to);
        }

        graph.AddBytes(escaped, (byte)'u', (byte)'u', digits);
        AddHexDigits(graph, digits, 0, 12, rest);
        AddHexDigits(graph, digits, 14, 15, rest);
        int afterD = graph.AddState();
        AddHexDigits(graph, digits, 13, 13, afterD);
        int two = graph.AddState();
        AddHexDigits(graph, rest, 0, 15, two);
        AddHexDigits(graph, afterD, 0, 7, two);
        AddTwoHexDigits(graph, two, to);

        int high = graph.AddState();
        int low = graph.AddState();
        int lowD = graph.AddState();
        int lowTwo = graph.AddState();
        AddHexDigits(graph, afterD, 8, 11, high);
        AddTwoHexDigits(graph, high, low);
        graph.AddLiteral(low, "\\u", lowD);
        int lowSecond = graph.AddState();
        AddHexDigits(graph, lowD, 13, 13, lowSecond);
        AddHexDigits(graph, lowSecond, 12, 15, lowTwo);
        AddTwoHexDigits(graph, lowTwo, to);
    }

    private static void AddTwoHexDigits(RuleGraph graph, int from, int to)
    {
        int middle = graph.AddState();
        AddHexDigits(graph, from, 0, 15, middle);
        AddHexDigits(graph, middle, 0, 15, to);
    }

    private static int[] AddStates(RuleGraph graph, int from, Language language)
    {
        int[] states = new int[language.StateCount];
        for (int state = 0; state < states.Length; state++)
        {
            states[state] = graph.AddState();
        }

        graph.AddEmpty(from, states[0]);
        return states;
    }

    private static void AddEscapes(RuleGraph graph, int from, CodePointSet set, int to)
    {
        var letters = ShortEscapes.Where(escape => set.Contains(escape.Character)).ToList();
        var others = set.Intersect(LongEscapes);
        if (letters.Count == 0 && others.IsEmpty)
        {
            return;
        }

        int escaped = graph.AddState();
        graph.AddBytes(from, (byte)'\\', (byte)'\\', escaped);
        foreach (var (letter, _) in letters)
        {
            graph.AddBytes(escaped, (byte)letter, (byte)letter, to);
        }

        for (int sixteen = 0; sixteen < 2; sixteen++)
        {
            var part = others.Intersect(CodePointSet.Of(16 * sixteen, (16 * sixteen) + 15));
            if (!part.IsEmpty)
            {
                int last = graph.AddState();
                graph.AddLiteral(escaped, "u00" + sixteen, last);
                foreach (var range in part.Ranges)
                {
                    AddHexDigits(graph, last, range.Low % 16, range.High % 16, to);
                }
            }
        }
    }

    /// <summary>Adds edges over the hexadecimal digits of some values, in either case.</summary>
    public static void AddHexDigits(RuleGraph graph, int from, int low, int high, int to)
    {
        if (low <= 9)
        {
            graph.AddBytes(from, (byte)('0' + low), (byte)('0' + Math.Min(high, 9)), to);
        }

        if (high >= 10)
        {
            graph.AddBytes(from, (byte)('a' + Math.Max(low, 10) - 10), (byte)('a' + high - 10), to);
            graph.AddBytes(from, (byte)('A' + Math.Max(low, 10) - 10), (byte)('A' + high - 10), to);
        }
    }
}
