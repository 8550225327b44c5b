using System.Text;
using LlmServe.Conversation.Formats;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Templates;

/// <summary>What is said to a model whose template knows no tools: what tools there are, how to call them, what was called and what came of it.</summary>
internal static class GenericTools
{
    /// <summary>The system message about the tools.</summary>
    public static string Instructions(ConversationRequest request, ToolFormat format)
    {
        var text = new StringBuilder("You can call these tools, each given as a JSON object:\n");
        foreach (var tool in request.Tools)
        {
            text.Append("{\"name\": ").Append(ToolGrammar.Quoted(tool.Name));
            if (tool.Description is { } description)
            {
                text.Append(", \"description\": ").Append(ToolGrammar.Quoted(description));
            }

            text.Append(", \"parameters\": ").Append(tool.Parameters?.GetRawText() ?? "{}").Append("}\n");
        }

        text.Append('\n');
        if (format == ToolFormats.Generic)
        {
            text.Append("Answer with one JSON object and nothing else.\n");
        }

        if (request.ToolChoice.Mode != ToolChoiceMode.None && format.Write([Example]) is { } one)
        {
            text.Append($"To call a tool: {one}\n");
            if (request.ParallelToolCalls && !format.IsSingle)
            {
                text.Append($"To call several at once: {format.Write([Example, Example])}\n");
            }
        }

        if (format == ToolFormats.Generic && request.ToolChoice.Mode is ToolChoiceMode.Auto or ToolChoiceMode.None)
        {
            text.Append($"To answer in words: {{\"{GenericFormat.Response}\": \"your answer\"}}\n");
        }

        return text.ToString();
    }

    /// <summary>An assistant's message with calls, as such a model would have written it.</summary>
    public static string Calls(ConversationMessage message, ToolFormat format)
    {
        (string, string)[] calls = [.. message.ToolCalls.Select(call => (call.Name, AnswerReader.IsJson(call.Arguments) ? call.Arguments : "{}"))];
        string written = format.Write(calls) ?? ToolFormats.Generic.Write(calls)!;
        return string.IsNullOrEmpty(message.Content) ? written : $"{message.Content}\n{written}";
    }

    /// <summary>A tool's result, for a user's message.</summary>
    public static string Result(string? name, string content) => $"The tool{(name is null ? "" : $" {name}")} returned:\n{content}";

    private static (string Name, string Arguments) Example => ("the tool's name", "{its arguments}");
}
