using System.Text.Json;
using LlmServe.Conversation.Formats;
using LlmServe.Conversation.Parsing;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation.Templates;

/// <summary>Turns a conversation into the messages that a template can render: what it does not know is said in another way.</summary>
/// <param name="template">The template.</param>
/// <param name="request">The conversation.</param>
internal sealed class TemplateMessages(PreparedTemplate template, ConversationRequest request)
{
    private static readonly JsonElement NoParameters = JsonElement.Parse("""{"type": "object", "properties": {}}""");

    private readonly TemplateCapabilities _can = template.Capabilities;
    private readonly bool _isGeneric = request.ParsesAnswer && template.Format == ToolFormats.Generic;

    /// <summary>Whether tools are told of in words: the template does not, or not as they are to be called.</summary>
    private readonly bool _tellsTools = request.ParsesAnswer && request.Tools.Count > 0 && (template.Format == ToolFormats.Generic || !template.Capabilities.Tools);
    private readonly Dictionary<string, string> _names = NamesOfCalls(request.Messages);

    /// <summary>A message, and where it stands in the request; −1 for one that was added.</summary>
    private readonly record struct Entry(ConversationMessage Message, int Index);

    /// <summary>The messages for the template.</summary>
    /// <param name="kept">Indexes of the request's messages that are to be said, in order.</param>
    public IReadOnlyList<TemplateMessage> Build(IEnumerable<int> kept)
    {
        if (!request.ParsesAnswer)
        {
            return [.. kept.Select(index => request.Messages[index]).Select(message => message.Source ?? Build(new Entry(message, -1)))];
        }

        var entries = kept.Select(index => new Entry(Known(request.Messages[index]), index)).ToList();
        if (_tellsTools)
        {
            entries.Insert(0, new(new("system", GenericTools.Instructions(request, template.Format)), -1));
        }

        JoinSystem(entries);
        return [.. entries.Select(Build)];
    }

    /// <summary>The tools for the template.</summary>
    public TemplateValue? Tools() => !request.ParsesAnswer && request.TemplateTools is { } tools ? tools : request.Tools.Count == 0 || _tellsTools ? null : TemplateValue.List([.. request.Tools.Select(Tool)]);

    private static TemplateValue Tool(ToolDefinition tool)
    {
        if (tool.Source is { } source)
        {
            return source;
        }

        var function = new List<KeyValuePair<string, TemplateValue>> { new("name", tool.Name) };
        if (tool.Description is { } description)
        {
            function.Add(new("description", description));
        }

        function.Add(new("parameters", tool.Parameters ?? NoParameters));
        return TemplateValue.Object(new("type", "function"), new("function", TemplateValue.Object(function)));
    }

    /// <summary>Names of the tools by the ids of their calls, since results often have the id alone.</summary>
    private static Dictionary<string, string> NamesOfCalls(IReadOnlyList<ConversationMessage> messages)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var call in messages.SelectMany(message => message.ToolCalls))
        {
            names[call.Id] = call.Name;
        }

        return names;
    }

    /// <summary>The message under a role that the template knows.</summary>
    private ConversationMessage Known(ConversationMessage message) =>
        message.Role == "developer" && !_can.DeveloperRole ? message with { Role = "system" } : message;

    /// <summary>Joins the system messages in front where the template takes one only, and puts them before the user's words where it takes none.</summary>
    private void JoinSystem(List<Entry> entries)
    {
        while (!_can.SeveralSystemMessages && entries.Count > 1 && entries[0].Message.Role == "system"
            && entries[1].Message.Role is "system" or "user" && (entries[1].Message.Role == "system" || !_can.SystemRole))
        {
            var (first, second) = (entries[0].Message, entries[1]);
            string content = $"{first.Content}\n\n{second.Message.Content}";
            entries[1] = second with { Message = second.Message with { Content = content, Fields = [.. first.Fields, .. second.Message.Fields] } };
            entries.RemoveAt(0);
        }
    }

    private TemplateMessage Build(Entry entry)
    {
        var message = entry.Message;
        return message.Role switch
        {
            "assistant" when message.ToolCalls.Count > 0 => Calls(message, entry.Index),
            "tool" => Result(message),
            _ => new TemplateMessage(message.Role, Content(message.Content), Fields(message)),
        };
    }

    private TemplateMessage Calls(ConversationMessage message, int index)
    {
        if (_isGeneric || !_can.ToolCalls)
        {
            return new("assistant", Content(GenericTools.Calls(message, template.Format)), Fields(message));
        }

        var calls = message.ToolCalls.Select((call, i) => TemplateValue.Object(
            new("id", Id(call.Id)),
            new("type", "function"),
            new("function", TemplateValue.Object(
                new("name", call.Name), new("arguments", Arguments(call, $"{request.MessagesPath}[{index}].tool_calls[{i}].function.arguments"))))));
        string? content = !string.IsNullOrEmpty(message.Content) ? message.Content : _can.EmptyContent && (message.Content is not null || !_can.MissingContent) ? "" : null;
        return new("assistant", Content(content), [new("tool_calls", TemplateValue.List([.. calls])), .. Fields(message)]);
    }

    /// <summary>A call's id, in a form that the template takes: histories come from other servers too.</summary>
    private string Id(string id) => !_can.ShortCallIds || (id.Length == CallIds.Length && id.All(char.IsAsciiLetterOrDigit)) ? id : CallIds.Short(id);

    private TemplateValue Arguments(ToolCall call, string path)
    {
        if (!_can.ObjectArguments)
        {
            return call.Arguments;
        }

        try
        {
            var arguments = JsonElement.Parse(call.Arguments.Length == 0 ? "{}" : call.Arguments);
            return arguments.ValueKind == JsonValueKind.Object
                ? arguments : throw new ConversationException(path, $"is JSON, but no object: {Shown(call.Arguments)}; an object of arguments is needed");
        }
        catch (JsonException error)
        {
            throw new ConversationException(path, $"is no JSON: {Shown(call.Arguments)}; the model's template needs an object of arguments", error);
        }
    }

    private TemplateMessage Result(ConversationMessage message)
    {
        string? name = message.Name ?? (message.ToolCallId is { } id && _names.TryGetValue(id, out string? known) ? known : null);
        if (_isGeneric || !_can.ToolRole)
        {
            return new("user", Content(GenericTools.Result(name, message.Content ?? "")));
        }

        var fields = new List<KeyValuePair<string, TemplateValue>>();
        if (message.ToolCallId is { } callId)
        {
            fields.Add(new("tool_call_id", Id(callId)));
        }

        if (name is not null)
        {
            fields.Add(new("name", name));
        }

        return new("tool", Content(message.Content ?? ""), [.. fields, .. message.Fields]);
    }

    private TemplateValue? Content(string? text) => text is null ? null : _can.TextContent
        ? text : TemplateValue.List([TemplateValue.Object(new("type", "text"), new("text", text))]);

    private List<KeyValuePair<string, TemplateValue>> Fields(ConversationMessage message)
    {
        var fields = new List<KeyValuePair<string, TemplateValue>>();
        if (message.Name is { } name)
        {
            fields.Add(new("name", name));
        }

        if (message.Reasoning is { } reasoning)
        {
            fields.Add(new(_can.ReasoningField ?? "reasoning_content", reasoning));
        }

        fields.AddRange(message.Fields);
        return fields;
    }

    private static string Shown(string text) => $"'{RequestJson.Shorten(text)}'";
}
