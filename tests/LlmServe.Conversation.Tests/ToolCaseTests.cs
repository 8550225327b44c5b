using System.Text.Json;
using System.Text.Json.Nodes;
using LlmServe.Conversation.Formats;
using LlmServe.Conversation.Parsing;
using LlmServe.Testing;

namespace LlmServe.Conversation.Tests;

/// <summary>The shared data's tool calls in the formats of nine families, whole and in every kind of pieces.</summary>
public sealed class ToolCaseTests
{
    private const int Cases = 79;

    [SkippableFact]
    public void Parse_EverySharedCase_GivesItsContentCallsAndReasoning()
    {
        var failures = new List<string>();
        int count = 0;
        foreach (string line in File.ReadLines(TestData.Shared("data", "grammars", "tools.jsonl")).Where(line => line.Length > 0))
        {
            var root = JsonDocument.Parse(line).RootElement;
            count++;
            string raw = root.GetProperty("raw").GetString()!;
            var expected = Expected(root);
            string[] chunks = root.TryGetProperty("chunks", out var given) ? [.. given.EnumerateArray().Select(chunk => chunk.GetString()!)] : [raw];
            foreach (string[] pieces in new[] { [raw], chunks, Split(raw, 1), Split(raw, 2), Split(raw, 3), Split(raw, 7) })
            {
                string actual = Answer.Of(Parse(root, pieces)).ToString();
                if (actual != expected)
                {
                    failures.Add($"{root.GetProperty("id").GetString()} in {pieces.Length} pieces\n  expected {expected}\n  found    {actual}");
                    break;
                }
            }
        }

        Assert.Equal(Cases, count);
        Assert.True(failures.Count == 0, $"{failures.Count} differ\n" + string.Join('\n', failures));
    }

    private static List<ConversationEvent> Parse(JsonElement root, string[] pieces)
    {
        var tools = root.GetProperty("tools").EnumerateArray().Select(tool => tool.GetProperty("function")).Select(function => new ToolDefinition(
            function.GetProperty("name").GetString()!, null, function.TryGetProperty("parameters", out var parameters) ? parameters : null)).ToList();
        var choice = root.GetProperty("tool_choice");
        var parser = new AnswerParser(null, new Markers(null, []), new AnswerParserOptions
        {
            Format = FormatOf(root),
            Tools = new ToolSet(tools, choice.ValueKind == JsonValueKind.String
                ? new ToolChoice(Enum.Parse<ToolChoiceMode>(choice.GetString()!, ignoreCase: true))
                : ToolChoice.Function(choice.GetProperty("function").GetProperty("name").GetString()!)),
            Reasoning = root.GetProperty("family").GetString() == "command-r" ? ReasoningMarks.Known[2] : ReasoningMarks.Known[0],
        });
        var events = new List<ConversationEvent>();
        foreach (string piece in pieces)
        {
            events.AddRange(parser.AppendText(piece));
        }

        events.AddRange(parser.Finish());
        return events;
    }

    private static ToolFormat FormatOf(JsonElement root)
    {
        string raw = root.GetProperty("raw").GetString()!;
        string name = root.GetProperty("family").GetString()! switch
        {
            "functionary" => "functionary-" + root.GetProperty("variant").GetString(),
            "deepseek" => "deepseek-v3.1",
            "pythonic" when raw.Contains("<|tool_call_start|>", StringComparison.Ordinal) => "lfm2",
            var family => family,
        };
        return ToolFormats.Find(name) ?? throw new InvalidOperationException($"no format {name}");
    }

    private static string Expected(JsonElement root) => $"content {JsonSerializer.Serialize((root.GetProperty("content").GetString() ?? "").Trim())} "
        + $"reasoning {JsonSerializer.Serialize(root.TryGetProperty("reasoning", out var reasoning) ? reasoning.GetString()! : "")} "
        + $"calls {JsonNode.Parse(root.GetProperty("calls").GetRawText())!.ToJsonString()}";

    private static string[] Split(string text, int size) => [.. text.Chunk(size).Select(chunk => new string(chunk))];
}
