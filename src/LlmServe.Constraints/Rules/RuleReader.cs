using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Rules;

/// <summary>Reads a rule in whatever notation it is written.</summary>
internal static class RuleReader
{
    /// <summary>Reads a rule.</summary>
    /// <exception cref="ConstraintException">It is malformed or cannot be honoured.</exception>
    public static ParsedRule Read(ConstraintRule rule, ConstraintVocabulary? vocabulary, WorkMeter meter) => rule.Kind switch
    {
        ConstraintKind.Choice => new ParsedRule(ChoiceReader.Read(rule.Text), []),
        _ => throw new ConstraintException("the rule", $"rules of kind {rule.Kind} are not known"),
    };
}
