using LlmServe.V1;
using Microsoft.Extensions.AI;

namespace LlmServe.Extensions.AI.Requests;

/// <summary>Turns a conversation and options of Microsoft.Extensions.AI into a request. Nothing that the caller owns is changed.</summary>
internal static class ChatRequestMapper
{
    /// <summary>The request.</summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="options">The options; null: none.</param>
    /// <param name="client">Given to <see cref="ChatOptions.RawRepresentationFactory"/>.</param>
    /// <exception cref="ArgumentException">An option's value is not allowed.</exception>
    /// <exception cref="NotSupportedException">A content, a tool or an option is of a kind that the model cannot take.</exception>
    public static ChatRequest Map(IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages, ChatOptions? options, IChatClient client)
    {
        Refuse(options);
        var request = Prototype(options, client);
        request.ParseOutput = true;
        if (request.Model.Length == 0)
        {
            request.Model = options?.ModelId ?? "";
        }

        request.Messages.AddRange(MessageMapper.Map(messages, options?.Instructions));
        request.Options ??= new GenerationOptions();
        request.Options.Sampling ??= new SamplingOptions();
        if (options is not null)
        {
            GenerationMapper.Map(options, request.Options);
            ToolMapper.Map(options, request);
            MapReasoning(options.Reasoning, request);
            if (request.TemplateVariablesJson.Length == 0)
            {
                request.TemplateVariablesJson = new AdditionalOptions(options.AdditionalProperties).Json("chat_template_kwargs") ?? "";
            }
        }

        request.Options.ToEndOfContext = true;
        return request;
    }

    private static void Refuse(ChatOptions? options)
    {
        if (options?.ConversationId is not null)
        {
            throw new NotSupportedException("ChatOptions.ConversationId is set, but the model keeps no conversations: send all messages with every request.");
        }

        if (options?.ContinuationToken is not null)
        {
            throw new NotSupportedException("ChatOptions.ContinuationToken is set, but answers cannot be taken up again: send the request once more.");
        }
    }

    private static ChatRequest Prototype(ChatOptions? options, IChatClient client) => options?.RawRepresentationFactory?.Invoke(client) switch
    {
        null => new ChatRequest(),
        ChatRequest request => request.Clone(),
        var other => throw new ArgumentException(
            $"ChatOptions.RawRepresentationFactory gave a {other.GetType()}; allowed are a {typeof(ChatRequest)} and null.", nameof(options)),
    };

    private static void MapReasoning(Microsoft.Extensions.AI.ReasoningOptions? reasoning, ChatRequest request)
    {
        if (reasoning is null || request.Reasoning is not null || reasoning is { Effort: null, Output: null })
        {
            return;
        }

        request.Reasoning = new V1.ReasoningOptions
        {
            Effort = reasoning.Effort switch
            {
                null => V1.ReasoningOptions.Types.Effort.Unspecified,
                ReasoningEffort.None => V1.ReasoningOptions.Types.Effort.None,
                ReasoningEffort.Low => V1.ReasoningOptions.Types.Effort.Low,
                ReasoningEffort.Medium => V1.ReasoningOptions.Types.Effort.Medium,
                ReasoningEffort.High => V1.ReasoningOptions.Types.Effort.High,
                _ => V1.ReasoningOptions.Types.Effort.ExtraHigh,
            },
            Hidden = reasoning.Output == ReasoningOutput.None,
        };
    }
}
