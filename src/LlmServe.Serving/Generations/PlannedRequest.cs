using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>What a request would get.</summary>
/// <param name="Plan">When, and how fast.</param>
/// <param name="PromptTokens">Tokens of its prompt.</param>
public sealed record PlannedRequest(RequestPlan Plan, int PromptTokens);
