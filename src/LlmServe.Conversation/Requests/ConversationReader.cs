using System.Text.Json;
using LlmServe.Constraints;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation;

/// <summary>
/// Reads the JSON of a chat request in the form of OpenAI's API, which many send: messages, tools, the tool choice, the response format. Whatever is wrong
/// with it is a <see cref="ConversationException"/> that names the place.
/// </summary>
public static class ConversationReader
{
    /// <summary>Keys of messages that have a property of their own; of those for reasoning each is somebody's.</summary>
    private static readonly string[] ReasoningKeys = ["reasoning_content", "reasoning", "thinking"];

    private static readonly string[] TextParts = ["text", "input_text", "output_text", "refusal"];

    /// <summary>Reads messages.</summary>
    /// <param name="messages">A JSON array. Its document must live as long as the messages.</param>
    /// <param name="path">Its path in the request, for errors.</param>
    /// <exception cref="ConversationException">Something is wrong.</exception>
    public static IReadOnlyList<ConversationMessage> Messages(JsonElement messages, string path = "messages")
    {
        RequestJson.Expect(messages, JsonValueKind.Array, path);
        return [.. messages.EnumerateArray().Select((message, i) => Message(message, $"{path}[{i}]"))];
    }

    /// <summary>Reads one message.</summary>
    /// <exception cref="ConversationException">Something is wrong.</exception>
    public static ConversationMessage Message(JsonElement message, string path)
    {
        var members = RequestJson.Members(message, path);
        string? role = members.Where(member => member.Key == "role").Select(member => RequestJson.Text(member.Value, $"{path}.role")).LastOrDefault();
        return Message(
            role ?? throw new ConversationException($"{path}.role", "is missing; who speaks must be said"),
            members.Where(member => member.Key == "content").Select(member => Content(member.Value, $"{path}.content")).LastOrDefault(),
            members.Where(member => member.Key is not ("role" or "content")),
            path) with { Source = TemplateMessage.FromJson(message) };
    }

    /// <summary>Reads the further keys of a message.</summary>
    /// <param name="role">Who speaks.</param>
    /// <param name="content">What is said.</param>
    /// <param name="fields">The other keys of the message: calls, their results' ids, names, reasoning; what is not known goes to the template as it is.</param>
    /// <param name="path">Path of the message in the request, for errors.</param>
    /// <exception cref="ConversationException">Something is wrong.</exception>
    public static ConversationMessage Message(string role, string? content, IEnumerable<KeyValuePair<string, JsonElement>> fields, string path)
    {
        ArgumentNullException.ThrowIfNull(fields);
        var message = new ConversationMessage(role, content);
        var others = new List<KeyValuePair<string, TemplateValue>>();
        foreach (var (key, value) in fields)
        {
            string place = $"{path}.{key}";
            if (value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (key == "tool_calls")
            {
                message = message with { ToolCalls = Calls(value, place) };
            }
            else if (key == "tool_call_id")
            {
                message = message with { ToolCallId = RequestJson.Text(value, place) };
            }
            else if (key is "name" or "tool_name")
            {
                message = message with { Name = RequestJson.Text(value, place) };
            }
            else if (ReasoningKeys.Contains(key) && value.ValueKind == JsonValueKind.String)
            {
                message = message with { Reasoning = RequestJson.Text(value, place) };
            }
            else
            {
                others.Add(new(key, value));
            }
        }

        return message with { Fields = others };
    }

    /// <summary>Reads tools: each a function, as <c>{"type": "function", "function": {…}}</c> or without the inner object.</summary>
    /// <param name="tools">A JSON array, or JSON's null. Its document must live as long as the tools.</param>
    /// <param name="path">Its path in the request, for errors.</param>
    /// <exception cref="ConversationException">Something is wrong.</exception>
    public static IReadOnlyList<ToolDefinition> Tools(JsonElement tools, string path = "tools")
    {
        if (tools.ValueKind == JsonValueKind.Null)
        {
            return [];
        }

        RequestJson.Expect(tools, JsonValueKind.Array, path);
        return [.. tools.EnumerateArray().Select((tool, i) => Tool(tool, $"{path}[{i}]"))];
    }

    /// <summary>Reads a tool choice: <c>none</c>, <c>auto</c>, <c>required</c>, or a function's name in an object.</summary>
    /// <exception cref="ConversationException">It is something else.</exception>
    public static ToolChoice ToolChoice(JsonElement choice, string path = "tool_choice")
    {
        if (choice.ValueKind == JsonValueKind.Object)
        {
            RequestJson.ExpectType(choice, "function", path);
            var function = choice.TryGetProperty("function", out var inner) ? inner : choice;
            RequestJson.Expect(function, JsonValueKind.Object, $"{path}.function");
            return Conversation.ToolChoice.Function(RequestJson.Required(function, "name", $"{path}.function"));
        }

        return choice.ValueKind == JsonValueKind.Null ? Conversation.ToolChoice.Auto : RequestJson.Text(choice, path) switch
        {
            "auto" => Conversation.ToolChoice.Auto,
            "none" => Conversation.ToolChoice.None,
            "required" => Conversation.ToolChoice.Required,
            var other => throw new ConversationException(path, $"is '{RequestJson.Shorten(other)}'; allowed are none, auto, required, or a function's name in an object"),
        };
    }

    /// <summary>Reads a response format: <c>text</c>, <c>json_object</c>, <c>json_schema</c>.</summary>
    /// <returns>Null: any text.</returns>
    /// <exception cref="ConversationException">It is something else, or its schema is missing. Whether the schema can be honoured shows when it is compiled.</exception>
    public static ConstraintRule? ResponseFormat(JsonElement format, string path = "response_format")
    {
        if (format.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        RequestJson.Expect(format, JsonValueKind.Object, path);
        string type = RequestJson.Required(format, "type", path);
        switch (type)
        {
            case "text":
                return null;
            case "json_object" when !format.TryGetProperty("schema", out _):
                return new ConstraintRule(ConstraintKind.JsonObject, "");
            case "json_object":
            case "json_schema":
                string place = path;
                if (format.TryGetProperty("json_schema", out var inner))
                {
                    place = $"{path}.json_schema";
                    RequestJson.Expect(inner, JsonValueKind.Object, place);
                    format = inner;
                }

                if (!format.TryGetProperty("schema", out var schema))
                {
                    throw new ConversationException($"{place}.schema", "is missing; there is nothing to hold the answer to");
                }

                return schema.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False
                    ? new ConstraintRule(ConstraintKind.JsonSchema, schema.GetRawText()) { CloseObjects = RequestJson.Flag(format, "strict", place) }
                    : throw new ConversationException($"{place}.schema", $"is a JSON {RequestJson.NameOf(schema.ValueKind)}; a schema is an object");
            default:
                throw new ConversationException($"{path}.type", $"is '{RequestJson.Shorten(type)}'; allowed are text, json_object and json_schema");
        }
    }

    private static string? Content(JsonElement content, string path)
    {
        if (content.ValueKind != JsonValueKind.Array)
        {
            return content.ValueKind == JsonValueKind.Null ? null : RequestJson.Text(content, path);
        }

        return string.Join('\n', content.EnumerateArray().Select((part, i) =>
        {
            string place = $"{path}[{i}]";
            RequestJson.Expect(part, JsonValueKind.Object, place);
            string type = RequestJson.Required(part, "type", place);
            return TextParts.Contains(type) ? RequestJson.Required(part, type == "refusal" ? type : "text", place)
                : throw new ConversationException($"{place}.type", $"is '{RequestJson.Shorten(type)}'; the model takes text only");
        }));
    }

    private static ToolCall[] Calls(JsonElement calls, string path)
    {
        RequestJson.Expect(calls, JsonValueKind.Array, path);
        return [.. calls.EnumerateArray().Select((call, i) => Call(call, i, $"{path}[{i}]"))];
    }

    private static ToolCall Call(JsonElement call, int index, string path)
    {
        RequestJson.Expect(call, JsonValueKind.Object, path);
        RequestJson.ExpectType(call, "function", path);
        if (!call.TryGetProperty("function", out var function))
        {
            throw new ConversationException($"{path}.function", "is missing; a call says which function, and with which arguments");
        }

        string place = $"{path}.function";
        RequestJson.Expect(function, JsonValueKind.Object, place);
        string arguments = !function.TryGetProperty("arguments", out var given) ? "{}" : given.ValueKind switch
        {
            JsonValueKind.Object => given.GetRawText(),
            JsonValueKind.Null => "{}",
            JsonValueKind.String => RequestJson.Text(given, $"{place}.arguments"),
            _ => throw new ConversationException(
                $"{place}.arguments", $"is a JSON {RequestJson.NameOf(given.ValueKind)}; the arguments are an object, or its JSON as a string"),
        };
        string? id = RequestJson.Optional(call, "id", path);
        return new ToolCall(string.IsNullOrEmpty(id) ? $"call{index:00000}" : id, RequestJson.Required(function, "name", place), arguments);
    }

    private static ToolDefinition Tool(JsonElement tool, string path)
    {
        RequestJson.Expect(tool, JsonValueKind.Object, path);
        RequestJson.ExpectType(tool, "function", path);
        bool isNested = tool.TryGetProperty("function", out var function);
        string place = isNested ? $"{path}.function" : path;
        function = isNested ? function : tool;
        RequestJson.Expect(function, JsonValueKind.Object, place);
        JsonElement? parameters = function.TryGetProperty("parameters", out var given) && given.ValueKind != JsonValueKind.Null ? given : null;
        if (parameters is { ValueKind: not JsonValueKind.Object })
        {
            throw new ConversationException($"{place}.parameters", $"is a JSON {RequestJson.NameOf(given.ValueKind)}; a JSON Schema, an object, is needed");
        }

        return new ToolDefinition(
            RequestJson.Required(function, "name", place), RequestJson.Optional(function, "description", place), parameters,
            RequestJson.Flag(function, "strict", place)) { Source = isNested ? tool : null };
    }
}
