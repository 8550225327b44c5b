using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Schemas;

/// <summary>Writes schemas as rules of JSON text. Equal combinations of schemas share a rule, which is how recursion ends.</summary>
internal sealed partial class SchemaWriter
{
    private readonly RuleSet _rules;
    private readonly SchemaExpander _expander;
    private readonly SchemaCheck _check;
    private readonly SchemaTexts _texts;
    private readonly JsonRules _json;
    private readonly bool _closeObjects;
    private readonly WorkMeter _meter;
    private readonly Dictionary<string, int> _known = [];
    private readonly Dictionary<Schema, int> _numbers = [];
    private readonly Dictionary<Schema, Schema> _negatives = [];
    private readonly Queue<(int Rule, IReadOnlyList<Schema> Schemas)> _waiting = new();

    private SchemaWriter(RuleSet rules, JsonRules json, bool closeObjects, SchemaExpander expander, WorkMeter meter)
    {
        _rules = rules;
        _expander = expander;
        _check = new SchemaCheck(expander);
        _texts = new SchemaTexts(expander, meter);
        _json = json;
        _closeObjects = closeObjects;
        _meter = meter;
    }

    /// <summary>Adds the rules of a schema to a set.</summary>
    /// <returns>The rule of the whole schema.</returns>
    public static int Write(RuleSet rules, Schema root, JsonRules json, bool closeObjects, SchemaExpander expander, WorkMeter meter)
    {
        var writer = new SchemaWriter(rules, json, closeObjects, expander, meter);
        int whole = writer.RuleOf([root]);
        while (writer._waiting.TryDequeue(out var next))
        {
            foreach (var way in expander.Expand(next.Schemas))
            {
                writer.WriteWay(rules[next.Rule], way);
            }
        }

        return json.Whole(whole);
    }

    /// <summary>The rule of values that satisfy all of some schemas.</summary>
    private int RuleOf(IReadOnlyList<Schema> schemas)
    {
        var saying = schemas.Where(schema => !schema.IsTrue).Distinct().ToList();
        if (saying.Count == 0)
        {
            return _json.Value;
        }

        string key = string.Join(',', saying.Select(NumberOf));
        if (!_known.TryGetValue(key, out int rule))
        {
            rule = _rules.Add(saying[0].Pointer);
            _known.Add(key, rule);
            _waiting.Enqueue((rule, saying));
        }

        return rule;
    }

    private int NumberOf(Schema schema)
    {
        if (!_numbers.TryGetValue(schema, out int number))
        {
            _numbers.Add(schema, number = _numbers.Count);
        }

        return number;
    }

    private void WriteWay(RuleGraph graph, SchemaAlternative way)
    {
        _meter.Add(way.Members.Count);
        if (way.Members.Find(member => member.Values is not null) is { } listed)
        {
            foreach (var value in listed.Values!.Where(value => _check.Allows(way, value)))
            {
                new ValueWriter(graph, _json).Add(RuleGraph.Start, value, RuleGraph.End);
            }

            return;
        }

        var types = way.Types;
        WriteWords(graph, way, types);
        if ((types & JsonTypes.Number) != 0)
        {
            WriteNumbers(graph, way, types);
        }

        if ((types & JsonTypes.String) != 0)
        {
            WriteStrings(graph, way);
        }

        if ((types & JsonTypes.Array) != 0)
        {
            WriteArrays(graph, way);
        }

        if ((types & JsonTypes.Object) != 0)
        {
            WriteObjects(graph, way);
        }
    }

    private static void WriteWords(RuleGraph graph, SchemaAlternative way, JsonTypes types)
    {
        if ((types & JsonTypes.Null) != 0 && !Excluded(way, JsonTypes.Null).Any())
        {
            graph.AddLiteral(RuleGraph.Start, "null", RuleGraph.End);
        }

        if ((types & JsonTypes.Boolean) == 0)
        {
            return;
        }

        foreach (bool value in new[] { true, false })
        {
            if (!Excluded(way, JsonTypes.Boolean).Any(other => other.Boolean == value))
            {
                graph.AddLiteral(RuleGraph.Start, value ? "true" : "false", RuleGraph.End);
            }
        }
    }

    private static IEnumerable<JsonValue> Excluded(SchemaAlternative way, JsonTypes types) =>
        way.Members.SelectMany(member => member.NotValues).Where(value => (value.Type & types) != 0);

    private void WriteNumbers(RuleGraph graph, SchemaAlternative way, JsonTypes types)
    {
        var bounds = way.Members.Aggregate(NumberBounds.None, (all, member) => all.And(member.Numbers));
        var excluded = Excluded(way, JsonTypes.Number).Select(value => value.Number.ToString()).Distinct().ToList();
        if (bounds == NumberBounds.None && excluded.Count == 0 && (types & JsonTypes.Integer) != 0)
        {
            graph.AddCall(RuleGraph.Start, (types & JsonTypes.Fraction) != 0 ? _json.Number : _json.Integer, RuleGraph.End);
            return;
        }

        // What is left out is left out in its plain form, so there must be no other.
        var texts = NumberTexts.Of(bounds, types, trailingZeros: excluded.Count == 0, way.Members[0].Pointer, _meter);
        LanguageWriter.AddText(graph, RuleGraph.Start, texts.Except(Language.Literals(excluded), _meter), RuleGraph.End);
    }

    private void WriteStrings(RuleGraph graph, SchemaAlternative way)
    {
        int inside = graph.AddState();
        graph.AddBytes(RuleGraph.Start, (byte)'"', (byte)'"', inside);
        int least = way.Members.Max(member => member.MinLength);
        int? most = way.Members.Min(member => member.MaxLength);
        if (least > CountedText.LargestCount)
        {
            throw new ConstraintException(way.Members[0].Pointer, $"minLength is {least}; at most {CountedText.LargestCount} can be honoured");
        }

        if (_texts.LanguageOf(way) is { } language)
        {
            LanguageWriter.AddJson(graph, inside, language, RuleGraph.End, _json.AnyText);
        }
        else if (most is null || most >= least)
        {
            graph.AddCall(inside, _json.Counted(CountedUnit.Text, least, most), RuleGraph.End);
        }
    }
}
