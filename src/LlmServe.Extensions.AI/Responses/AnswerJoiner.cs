using LlmServe.V1;
using Microsoft.Extensions.AI;
using ChatResponse = Microsoft.Extensions.AI.ChatResponse;

namespace LlmServe.Extensions.AI.Responses;

/// <summary>Puts an answer together from its updates.</summary>
internal static class AnswerJoiner
{
    /// <summary>The whole answer.</summary>
    public static ChatResponse Join(IReadOnlyList<ChatResponseUpdate> updates)
    {
        var response = updates.ToChatResponse();
        var properties = new AdditionalPropertiesDictionary();
        foreach (var (key, value) in updates.SelectMany(update => update.AdditionalProperties ?? []))
        {
            properties[key] = value;
        }

        // Of these, each update has a part.
        var logprobs = updates.SelectMany(update => Value<TokenLogProbability[]>(update, AnswerProperties.Logprobs) ?? []).ToArray();
        if (logprobs.Length > 0)
        {
            properties[AnswerProperties.Logprobs] = logprobs;
        }

        string reasoning = string.Concat(updates.Select(update => Value<string>(update, AnswerProperties.Reasoning)));
        if (reasoning.Length > 0)
        {
            properties[AnswerProperties.Reasoning] = reasoning;
        }

        response.AdditionalProperties = properties;
        foreach (var message in response.Messages)
        {
            message.AdditionalProperties = properties.Clone();
        }

        return response;
    }

    private static T? Value<T>(ChatResponseUpdate update, string key) where T : class =>
        update.AdditionalProperties is { } properties && properties.TryGetValue(key, out object? value) ? value as T : null;
}
