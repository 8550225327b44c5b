using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Rules;

/// <summary>What reading a rule gives.</summary>
/// <param name="Rules">The rules that its texts follow.</param>
/// <param name="Relaxed">What was left out.</param>
internal sealed record ParsedRule(RuleSet Rules, IReadOnlyList<string> Relaxed);
