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
        Add(graph, from, language, to, utf8.Add);
    }

    /// <summary>
    /// Adds paths that read the texts of a language as the inside of a JSON string. Each text has one form: the shortest escapes, and only where JSON
    /// needs them.
    /// </summary>
    public static void AddJson(RuleGraph graph, int from, Language language, int to)
    {
        var utf8 = new Utf8Graph(graph);
        Add(graph, from, language, to, (state, set, next) =>
        {
            utf8.Add(state, set.Intersect(PlainInJson), next);
            AddEscapes(graph, state, set, next);
        });
    }

    private static void Add(RuleGraph graph, int from, Language language, int to, Action<int, CodePointSet, int> addSet)
    {
        int[] states = new int[language.StateCount];
        for (int state = 0; state < states.Length; state++)
        {
            states[state] = graph.AddState();
        }

        graph.AddEmpty(from, states[0]);
        for (int state = 0; state < states.Length; state++)
        {
            if (language.IsAccepting(state))
            {
                graph.AddEmpty(states[state], to);
            }

            foreach (var target in language.Edges(state).ToArray().GroupBy(edge => edge.To))
            {
                addSet(states[state], CodePointSet.Of(target.Select(edge => new CodePointRange(edge.Low, edge.High))), states[target.Key]);
            }
        }
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
