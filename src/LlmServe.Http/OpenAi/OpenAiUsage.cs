using LlmServe.Engine;

namespace LlmServe.Http;

/// <summary>Tokens read and written.</summary>
internal sealed record OpenAiUsage(int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokensDetails PromptTokensDetails, CompletionTokensDetails CompletionTokensDetails)
{
    /// <summary>The sum of several answers to one prompt, or to several.</summary>
    /// <param name="prompts">The usage of one answer to each prompt.</param>
    /// <param name="answers">The usage of every answer.</param>
    /// <param name="reasoningTokens">Tokens of reasoning in all of them.</param>
    public static OpenAiUsage Of(IEnumerable<Usage> prompts, IReadOnlyCollection<Usage> answers, int reasoningTokens = 0)
    {
        var read = prompts.ToList();
        int prompt = read.Sum(usage => usage.PromptTokens);
        int completion = answers.Sum(usage => usage.CompletionTokens);
        return new OpenAiUsage(
            prompt, completion, prompt + completion, new PromptTokensDetails(read.Sum(usage => usage.CachedPromptTokens)), new CompletionTokensDetails(reasoningTokens));
    }
}
