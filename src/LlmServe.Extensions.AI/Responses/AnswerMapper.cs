using LlmServe.V1;
using Microsoft.Extensions.AI;

namespace LlmServe.Extensions.AI.Responses;

/// <summary>Turns the pieces of one answer into updates of Microsoft.Extensions.AI.</summary>
/// <param name="model">Id of the model that answers.</param>
/// <param name="seed">Key of its random draws.</param>
internal sealed class AnswerMapper(string model, ulong seed)
{
    private readonly string _id = $"chatcmpl-{Guid.NewGuid():N}";
    private readonly DateTimeOffset _created = DateTimeOffset.UtcNow;
    private readonly CallCollector _calls = new();
    private bool _begun;

    /// <summary>The updates of a piece; none where it shows nothing yet.</summary>
    public IEnumerable<ChatResponseUpdate> Map(GenerationDelta delta)
    {
        if (delta.ReasoningText.Length > 0 || delta.Text.Length > 0 || delta.Logprobs.Count > 0)
        {
            yield return TextUpdate(delta);
        }

        bool isLast = delta.FinishReason != FinishReason.Unspecified;
        foreach (var call in _calls.Add(delta.ToolCalls))
        {
            yield return Update(delta, [call]);
        }

        if (!isLast)
        {
            yield break;
        }

        foreach (var call in _calls.End(wasCut: delta.FinishReason == FinishReason.Length))
        {
            yield return Update(delta, [call]);
        }

        yield return LastUpdate(delta);
    }

    private ChatResponseUpdate TextUpdate(GenerationDelta delta)
    {
        var contents = new List<AIContent>(1);
        if (delta.ReasoningText.Length > 0)
        {
            contents.Add(new TextReasoningContent(delta.ReasoningText));
        }

        if (delta.Text.Length > 0)
        {
            contents.Add(new TextContent(delta.Text));
        }

        var update = Update(delta, contents);
        if (delta.ReasoningText.Length > 0)
        {
            // Semantic Kernel passes these on, but no reasoning contents.
            Properties(update)[AnswerProperties.Reasoning] = delta.ReasoningText;
        }

        if (delta.Logprobs.Count > 0)
        {
            Properties(update)[AnswerProperties.Logprobs] = delta.Logprobs.ToArray();
        }

        return update;
    }

    private ChatResponseUpdate LastUpdate(GenerationDelta delta)
    {
        var update = Update(delta, delta.Usage is { } usage ? [new UsageContent(ToDetails(usage))] : []);
        update.FinishReason = delta.FinishReason switch
        {
            FinishReason.Length => ChatFinishReason.Length,
            FinishReason.ToolCalls => ChatFinishReason.ToolCalls,
            _ => ChatFinishReason.Stop,
        };
        if (delta.Timings is { } timings)
        {
            Properties(update)[AnswerProperties.Timings] = timings;
        }

        return update;
    }

    private ChatResponseUpdate Update(GenerationDelta delta, IList<AIContent> contents)
    {
        var update = new ChatResponseUpdate(ChatRole.Assistant, contents)
        {
            ResponseId = _id,
            MessageId = _id,
            ModelId = model,
            CreatedAt = _created,
            RawRepresentation = delta,
        };
        if (!_begun)
        {
            _begun = true;
            Properties(update)[AnswerProperties.Seed] = unchecked((long)seed);
        }

        return update;
    }

    private static AdditionalPropertiesDictionary Properties(ChatResponseUpdate update) => update.AdditionalProperties ??= [];

    private static UsageDetails ToDetails(Usage usage) => new()
    {
        InputTokenCount = usage.PromptTokens,
        OutputTokenCount = usage.CompletionTokens,
        TotalTokenCount = usage.PromptTokens + usage.CompletionTokens,
        CachedInputTokenCount = usage.CachedPromptTokens,
        ReasoningTokenCount = usage.ReasoningTokens,
    };
}
