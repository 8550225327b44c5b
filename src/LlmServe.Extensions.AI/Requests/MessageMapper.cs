using System.Text.Json;
using Microsoft.Extensions.AI;
using AIMessage = Microsoft.Extensions.AI.ChatMessage;
using ProtoMessage = LlmServe.V1.ChatMessage;

namespace LlmServe.Extensions.AI.Requests;

/// <summary>Turns messages of Microsoft.Extensions.AI into those of a request.</summary>
internal sealed class MessageMapper
{
    /// <summary>Names of the tools by the ids of their calls; results do not repeat them.</summary>
    private readonly Dictionary<string, string> _tools = new(StringComparer.Ordinal);

    private readonly List<ProtoMessage> _mapped = [];

    /// <summary>Maps a conversation.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="instructions">A system message before all others; null: none.</param>
    /// <exception cref="NotSupportedException">A message has a content that the model cannot take.</exception>
    public static IReadOnlyList<ProtoMessage> Map(IEnumerable<AIMessage> messages, string? instructions)
    {
        var mapper = new MessageMapper();
        if (!string.IsNullOrEmpty(instructions))
        {
            mapper._mapped.Add(new ProtoMessage { Role = "system", Content = instructions });
        }

        foreach (var message in messages)
        {
            mapper.Add(message);
        }

        return mapper._mapped;
    }

    /// <summary>Adds a message: its results of tools as messages of their own, then the rest of it, if there is any or nothing else.</summary>
    private void Add(AIMessage message)
    {
        var texts = new List<string>();
        var reasoning = new List<string>();
        var calls = new List<FunctionCallContent>();
        int results = 0;
        foreach (var content in message.Contents)
        {
            switch (content)
            {
                case TextContent text:
                    texts.Add(text.Text);
                    break;
                case TextReasoningContent thought:
                    reasoning.Add(thought.Text);
                    break;
                case FunctionCallContent call:
                    calls.Add(call);
                    break;
                case FunctionResultContent result:
                    AddResult(result);
                    results++;
                    break;
                case UsageContent or ErrorContent:
                    break;
                default:
                    throw new NotSupportedException(
                        $"A message of the {message.Role} has a {content.GetType().Name}; the model takes text, reasoning, and calls of functions and their results.");
            }
        }

        if (results == 0 || texts.Count + reasoning.Count + calls.Count > 0)
        {
            _mapped.Add(Compose(message.Role.Value, string.Concat(texts), string.Concat(reasoning), calls));
        }
    }

    private void AddResult(FunctionResultContent result)
    {
        string? name = _tools.GetValueOrDefault(result.CallId);
        _mapped.Add(new ProtoMessage
        {
            Role = "tool",
            Content = ResultText.Of(result),
            FieldsJson = JsonWriting.Text(json =>
            {
                json.WriteStartObject();
                json.WriteString("tool_call_id", result.CallId);
                if (name is not null)
                {
                    json.WriteString("name", name);
                }

                json.WriteEndObject();
            }),
        });
    }

    private ProtoMessage Compose(string role, string text, string reasoning, List<FunctionCallContent> calls)
    {
        var mapped = new ProtoMessage { Role = role };
        if (text.Length > 0 || calls.Count == 0)
        {
            mapped.Content = text;
        }

        if (reasoning.Length > 0 || calls.Count > 0)
        {
            mapped.FieldsJson = JsonWriting.Text(json =>
            {
                json.WriteStartObject();
                if (reasoning.Length > 0)
                {
                    json.WriteString("reasoning_content", reasoning);
                }

                WriteCalls(json, calls);
                json.WriteEndObject();
            });
        }

        return mapped;
    }

    private void WriteCalls(Utf8JsonWriter json, List<FunctionCallContent> calls)
    {
        if (calls.Count == 0)
        {
            return;
        }

        json.WriteStartArray("tool_calls");
        foreach (var call in calls)
        {
            _tools[call.CallId] = call.Name;
            json.WriteStartObject();
            json.WriteString("id", call.CallId);
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", call.Name);
            json.WritePropertyName("arguments");
            JsonWriting.WriteObject(json, call.Arguments);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
