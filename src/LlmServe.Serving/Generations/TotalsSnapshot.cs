namespace LlmServe.Serving;

/// <summary>What answers took.</summary>
/// <param name="PromptTokens">Prompt tokens that were read, without cached ones.</param>
/// <param name="PromptSeconds">From each prompt's first token to its answer's first.</param>
/// <param name="AnswerTokens">Tokens that were written.</param>
/// <param name="AnswerSeconds">From each answer's first token to its last.</param>
public readonly record struct TotalsSnapshot(long PromptTokens, double PromptSeconds, long AnswerTokens, double AnswerSeconds);
