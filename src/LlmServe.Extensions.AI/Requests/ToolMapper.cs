using System.Text.Json;
using LlmServe.V1;
using Microsoft.Extensions.AI;

namespace LlmServe.Extensions.AI.Requests;

/// <summary>Turns tools and their mode into a request's. What the request has already stays.</summary>
internal static class ToolMapper
{
    /// <summary>Maps them.</summary>
    /// <exception cref="ArgumentException">The mode requires a function that is not among the tools.</exception>
    /// <exception cref="NotSupportedException">A tool is no function, or the mode is of an unknown kind.</exception>
    public static void Map(ChatOptions options, ChatRequest request)
    {
        var tools = options.Tools ?? [];
        var functions = tools.Select(tool => tool as AIFunctionDeclaration ?? throw new NotSupportedException(
            $"ChatOptions.Tools has '{tool.Name}', a {tool.GetType().Name}; the model can call functions only (AIFunctionDeclaration).")).ToList();
        if (request.ToolsJson.Length == 0 && functions.Count > 0)
        {
            bool strict = new AdditionalOptions(options.AdditionalProperties).Boolean("strict") ?? false;
            request.ToolsJson = JsonWriting.Text(json => Write(json, functions, strict));
        }

        request.ToolChoice ??= ChoiceOf(options.ToolMode, functions);
        if (!request.HasParallelToolCalls && options.AllowMultipleToolCalls is { } several)
        {
            request.ParallelToolCalls = several;
        }
    }

    private static ToolChoice? ChoiceOf(ChatToolMode? mode, List<AIFunctionDeclaration> functions) => mode switch
    {
        null or AutoChatToolMode => null,
        NoneChatToolMode => new ToolChoice { Mode = ToolChoice.Types.Mode.None },
        RequiredChatToolMode { RequiredFunctionName: null } => new ToolChoice { Mode = ToolChoice.Types.Mode.Required },
        RequiredChatToolMode { RequiredFunctionName: { } name } when functions.Any(function => function.Name == name) =>
            new ToolChoice { Mode = ToolChoice.Types.Mode.Required, Name = name },
        RequiredChatToolMode { RequiredFunctionName: { } name } => throw new ArgumentException(
            $"ChatOptions.ToolMode requires the function '{name}', which is not among the tools: {string.Join(", ", functions.Select(function => function.Name))}.",
            nameof(mode)),
        _ => throw new NotSupportedException($"ChatOptions.ToolMode is a {mode.GetType().Name}; allowed are auto, none and required."),
    };

    private static void Write(Utf8JsonWriter json, List<AIFunctionDeclaration> functions, bool strict)
    {
        json.WriteStartArray();
        foreach (var function in functions)
        {
            json.WriteStartObject();
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", function.Name);
            if (function.Description.Length > 0)
            {
                json.WriteString("description", function.Description);
            }

            json.WritePropertyName("parameters");
            function.JsonSchema.WriteTo(json);
            if (new AdditionalOptions(AsDictionary(function.AdditionalProperties)).Boolean("strict") ?? strict)
            {
                json.WriteBoolean("strict", true);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static AdditionalPropertiesDictionary AsDictionary(IReadOnlyDictionary<string, object?> properties) => new(properties);
}
