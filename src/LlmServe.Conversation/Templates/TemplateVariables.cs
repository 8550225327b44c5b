using LlmServe.Text.Templates;

namespace LlmServe.Conversation.Templates;

/// <summary>The variables of a template, those for reasoning included.</summary>
internal static class TemplateVariables
{
    private const string Effort = "reasoning_effort";

    /// <summary>Names that have a place of their own, or come from the model.</summary>
    private static readonly string[] Reserved = ["messages", "tools", "add_generation_prompt", "bos_token", "eos_token"];

    /// <exception cref="ConversationException">A variable has a name that is not the caller's to set.</exception>
    public static Dictionary<string, TemplateValue> Of(ConversationRequest request, TemplateCapabilities capabilities)
    {
        var variables = new Dictionary<string, TemplateValue>(StringComparer.Ordinal);
        if (request.Reasoning.Enabled is { } enabled && capabilities.ReasoningVariable is { } name)
        {
            variables[name] = enabled;
        }

        if (request.Reasoning.Effort is { } effort && capabilities.ReasoningEffort)
        {
            variables[Effort] = effort;
        }

        foreach (var (key, value) in request.Variables)
        {
            if (Reserved.Contains(key))
            {
                throw new ConversationException(request.VariablesPath, $"has the key '{key}', which has a place of its own");
            }

            variables[key] = value;
        }

        return variables;
    }
}
