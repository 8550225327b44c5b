using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Grammars;
using LlmServe.Constraints.Languages;
using LlmServe.Constraints.Schemas;

namespace LlmServe.Constraints.Rules;

/// <summary>Reads a rule in whatever notation it is written.</summary>
internal static class RuleReader
{
    /// <summary>Reads a rule.</summary>
    /// <exception cref="ConstraintException">It is malformed or cannot be honoured.</exception>
    public static ParsedRule Read(ConstraintRule rule, ConstraintVocabulary? vocabulary, WorkMeter meter) => rule.Kind switch
    {
        ConstraintKind.JsonObject => new ParsedRule(SchemaWriter.WriteAnyObject(rule), []),
        ConstraintKind.JsonSchema => SchemaRuleReader.Read(rule, meter),
        ConstraintKind.Regex => new ParsedRule(ReadRegex(rule.Text, meter), []),
        ConstraintKind.Gbnf => new ParsedRule(GbnfParser.Parse(rule.Text, vocabulary, meter), []),
        ConstraintKind.Choice => new ParsedRule(ChoiceReader.Read(rule.Text), []),
        _ => throw new ConstraintException("the rule", $"rules of kind {rule.Kind} are not known"),
    };

    private static RuleSet ReadRegex(string text, WorkMeter meter)
    {
        const string Place = "the pattern";
        var node = RegexParser.Parse(text, Place, deepest: meter.Limits.MaxDepth);
        var rules = new RuleSet();
        LanguageWriter.AddText(rules[rules.Add(Place)], RuleGraph.Start, RegexCompiler.Compile(node, Place, search: false, meter), RuleGraph.End);
        return rules;
    }
}
