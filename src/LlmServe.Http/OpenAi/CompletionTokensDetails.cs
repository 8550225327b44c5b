namespace LlmServe.Http;

/// <summary>What is known of an answer's tokens.</summary>
/// <param name="ReasoningTokens">Those of reasoning.</param>
internal sealed record CompletionTokensDetails(int ReasoningTokens);
