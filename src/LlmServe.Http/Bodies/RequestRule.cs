using LlmServe.Constraints;

namespace LlmServe.Http;

/// <summary>What an answer must be, and the field that says it.</summary>
internal sealed record RequestRule(ConstraintRule Rule, string Field);
