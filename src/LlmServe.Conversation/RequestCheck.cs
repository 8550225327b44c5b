namespace LlmServe.Conversation;

/// <summary>Checks what does not depend on the model.</summary>
internal static class RequestCheck
{
    /// <summary>A typing mistake in a role would silently give a worse prompt, so only known ones pass.</summary>
    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];

    /// <exception cref="ConversationException">Something is wrong; the exception names the field.</exception>
    public static void Run(ConversationRequest request)
    {
        Messages(request);
        if (request.ParsesAnswer)
        {
            Tools(request);
        }

        if (request.Reasoning.MaxTokens is < 0)
        {
            throw new ConversationException("reasoning.max_tokens", $"is {request.Reasoning.MaxTokens}; it cannot be negative");
        }
    }

    private static void Messages(ConversationRequest request)
    {
        var messages = request.Messages;
        string path = request.MessagesPath;
        if (messages.Count == 0)
        {
            throw new ConversationException(path, "is empty; a conversation has at least one message");
        }

        for (int i = 0; i < messages.Count; i++)
        {
            if (!Roles.Contains(messages[i].Role))
            {
                throw new ConversationException($"{path}[{i}].role", $"is '{RequestJson.Shorten(messages[i].Role)}'; allowed are {string.Join(", ", Roles)}");
            }

            if (messages[i].ToolCalls.Count > 0 && messages[i].Role != "assistant")
            {
                throw new ConversationException($"{path}[{i}].tool_calls", $"is there for the role '{messages[i].Role}'; only the assistant calls tools");
            }
        }

        bool endsWithAssistant = messages[^1].Role == "assistant";
        if (request.ParsesAnswer && endsWithAssistant && messages.Count > 1 && messages[^2].Role == "assistant")
        {
            throw new ConversationException($"{path}[{messages.Count - 1}]", "is a second message of the assistant in a row at the end; only one can be continued");
        }

        if (request.ContinuesFinalMessage && (!endsWithAssistant || string.IsNullOrEmpty(messages[^1].Content) || messages[^1].ToolCalls.Count > 0))
        {
            throw new ConversationException($"{path}[{messages.Count - 1}]", "cannot be continued; that needs the assistant's message, with a text and without calls");
        }
    }

    private static void Tools(ConversationRequest request)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < request.Tools.Count; i++)
        {
            string name = request.Tools[i].Name;
            if (!ToolDefinition.IsName(name))
            {
                throw new ConversationException(
                    $"{request.ToolsPath}[{i}].function.name", $"is '{RequestJson.Shorten(name)}'; 1 … {ToolDefinition.LongestName} letters, digits, '_', '.' and '-' are allowed");
            }

            if (!names.Add(name))
            {
                throw new ConversationException($"{request.ToolsPath}[{i}].function.name", $"is '{name}' a second time; each tool has its own name");
            }
        }

        var choice = request.ToolChoice;
        if (choice.Mode is ToolChoiceMode.Required or ToolChoiceMode.Named && request.Tools.Count == 0)
        {
            throw new ConversationException("tool_choice", "asks for a call, and there are no tools");
        }

        if (choice.Mode == ToolChoiceMode.Named && (choice.Name is null || !names.Contains(choice.Name)))
        {
            throw new ConversationException("tool_choice", $"names the tool '{choice.Name}', which is not among the tools: {string.Join(", ", names)}");
        }
    }
}
