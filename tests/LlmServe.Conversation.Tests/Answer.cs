using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmServe.Conversation.Tests;

/// <summary>What the events of an answer add up to.</summary>
internal sealed class Answer
{
    public required string Text { get; init; }

    public required string Reasoning { get; init; }

    /// <summary>Name and arguments of each call; the arguments as the events gave them.</summary>
    public required IReadOnlyList<(string Name, string Arguments, bool IsWhole)> Calls { get; init; }

    public static Answer Of(IEnumerable<ConversationEvent> events)
    {
        var text = new StringBuilder();
        var reasoning = new StringBuilder();
        var calls = new List<(string Name, string Arguments, bool IsWhole)>();
        foreach (var item in events)
        {
            switch (item.Kind)
            {
                case ConversationEventKind.Text:
                    text.Append(item.Text);
                    break;
                case ConversationEventKind.Reasoning:
                    reasoning.Append(item.Text);
                    break;
                case ConversationEventKind.ToolCallStart:
                    Assert.Equal(calls.Count, item.Index);
                    Assert.NotEmpty(item.Id);
                    calls.Add((item.Name, "", false));
                    break;
                case ConversationEventKind.ToolCallArguments:
                    Assert.Equal(calls.Count - 1, item.Index);
                    Assert.False(calls[^1].IsWhole);
                    calls[^1] = calls[^1] with { Arguments = calls[^1].Arguments + item.Text };
                    break;
                default:
                    Assert.Equal(calls.Count - 1, item.Index);
                    calls[^1] = calls[^1] with { IsWhole = true };
                    break;
            }
        }

        return new Answer { Text = text.ToString(), Reasoning = reasoning.ToString(), Calls = calls };
    }

    /// <summary>As one line, to compare.</summary>
    public override string ToString() => $"content {JsonSerializer.Serialize(Text.Trim())} reasoning {JsonSerializer.Serialize(Reasoning)} calls {CallsAsJson()}";

    /// <summary>The calls as JSON, with the arguments as objects.</summary>
    public string CallsAsJson() => new JsonArray([.. Calls.Select(call => (JsonNode)new JsonObject
    {
        ["name"] = call.Name,
        ["arguments"] = call.IsWhole ? JsonNode.Parse(call.Arguments) : null,
    })]).ToJsonString();
}
