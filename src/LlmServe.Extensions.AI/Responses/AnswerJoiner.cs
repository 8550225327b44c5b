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
        var properties = response.AdditionalProperties ??= [];
        var message = response.Messages[^1];

        // The library keeps the last of several values under one key.
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

        message.AdditionalProperties = new AdditionalPropertiesDictionary(properties);
        return response;
    }

    private static T? Value<T>(ChatResponseUpdate update, string key) where T : class =>
        update.AdditionalProperties is { } properties && properties.TryGetValue(key, out object? value) ? value as T : null;
}
