using System.Text;
using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Grammars;
using LlmServe.Constraints.Languages;
using LlmServe.Constraints.Schemas;

namespace LlmServe.Constraints.Rules;

/// <summary>Reads a rule in whatever notation it is written, and what comes before it.</summary>
internal sealed class RuleReader
{
    private readonly RuleSet _rules = new();
    private readonly ConstraintVocabulary? _vocabulary;
    private readonly WorkMeter _meter;
    private readonly List<string> _relaxed = [];
    private readonly Dictionary<JsonWhitespace, JsonRules> _json = [];

    private RuleReader(ConstraintVocabulary? vocabulary, WorkMeter meter)
    {
        (_vocabulary, _meter) = (vocabulary, meter);
    }

    /// <summary>Reads a rule.</summary>
    /// <exception cref="ConstraintException">It is malformed or cannot be honoured.</exception>
    public static ParsedRule Read(ConstraintRule rule, ConstraintVocabulary? vocabulary, WorkMeter meter)
    {
        var reader = new RuleReader(vocabulary, meter);
        int whole = reader.RuleOf(rule);
        if (rule.Preamble is { } preamble)
        {
            int proper = whole;
            whole = reader._rules.Add("the preamble and the rule");
            new PartWriter(reader._rules, vocabulary, reader.RuleOf, meter).WritePreamble(whole, preamble, proper);
        }

        reader._rules.Root = whole;
        return new ParsedRule(reader._rules, reader._relaxed);
    }

    private int RuleOf(ConstraintRule rule)
    {
        CheckLength(rule);
        return rule.Kind switch
        {
            ConstraintKind.JsonObject => AnyObject(rule.Whitespace),
            ConstraintKind.JsonSchema => SchemaRuleReader.Read(_rules, rule, JsonOf(rule.Whitespace), _relaxed, _meter),
            ConstraintKind.Regex => RegexRule(rule.Text),
            ConstraintKind.Gbnf => _rules.Append(GbnfParser.Parse(rule.Text, _vocabulary, _meter)),
            ConstraintKind.Choice => _rules.Append(ChoiceReader.Read(rule.Text)),
            ConstraintKind.Composed when rule.Part is not null => ComposedRule(rule.Part),
            _ => throw new ConstraintException("the rule", $"rules of kind {rule.Kind} are not known"),
        };
    }

    private int RuleOf(ConstraintPart part)
    {
        switch (part)
        {
            case ConstraintPart.Schema schema:
                CheckLength("a schema", schema.Element.GetRawText(), _meter.Limits.MaxRuleBytes);
                return SchemaRuleReader.Read(_rules, schema.Element, JsonOf(schema.Whitespace), schema.CloseObjects, relax: false, _relaxed, _meter);
            case ConstraintPart.JsonObject any:
                return AnyObject(any.Whitespace);
            case ConstraintPart.Regex regex:
                CheckLength("a pattern", regex.Pattern, _meter.Limits.MaxRuleBytes);
                return RegexRule(regex.Pattern);
            case ConstraintPart.Rule rule:
                return RuleOf(rule.Inner);
            default:
                return ComposedRule(part);
        }
    }

    private int ComposedRule(ConstraintPart part)
    {
        int rule = _rules.Add("the parts");
        new PartWriter(_rules, _vocabulary, RuleOf, _meter).WriteRule(rule, part);
        return rule;
    }

    private void CheckLength(ConstraintRule rule)
    {
        int most = rule.Kind == ConstraintKind.Composed ? _meter.Limits.MaxComposedBytes : _meter.Limits.MaxRuleBytes;
        CheckLength("the rule", rule.Text, most);
    }

    private static void CheckLength(string what, string text, int most)
    {
        int bytes = Encoding.UTF8.GetByteCount(text);
        if (bytes > most)
        {
            throw new ConstraintException(what, $"it has {bytes} bytes; at most {most} are allowed");
        }
    }

    private JsonRules JsonOf(JsonWhitespace whitespace)
    {
        if (!_json.TryGetValue(whitespace, out var json))
        {
            _json.Add(whitespace, json = new JsonRules(_rules, whitespace));
        }

        return json;
    }

    private int AnyObject(JsonWhitespace whitespace)
    {
        var json = JsonOf(whitespace);
        return json.Whole(json.Object);
    }

    private int RegexRule(string pattern)
    {
        const string Place = "the pattern";
        int rule = _rules.Add(Place);
        var node = RegexParser.Parse(pattern, Place, deepest: _meter.Limits.MaxDepth);
        LanguageWriter.AddText(_rules[rule], RuleGraph.Start, RegexCompiler.Compile(node, Place, search: false, _meter), RuleGraph.End);
        return rule;
    }
}
