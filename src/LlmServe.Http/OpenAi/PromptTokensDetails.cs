namespace LlmServe.Http;

/// <summary>What is known of a prompt's tokens.</summary>
/// <param name="CachedTokens">Those that a cache spared the model from reading again.</param>
internal sealed record PromptTokensDetails(int CachedTokens);
