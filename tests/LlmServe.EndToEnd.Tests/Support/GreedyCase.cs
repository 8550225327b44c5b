using System.Text.Json;
using LlmServe.Testing;

namespace LlmServe.EndToEnd.Tests.Support;

/// <summary>A chat with the greedy answer that the default mode gives, from an independent implementation of the numerics.</summary>
/// <param name="Messages">Role and content.</param>
/// <param name="PromptIds">The prompt after template and tokenizer.</param>
/// <param name="Ids">The answer's ids, an end-of-turn token included where there is one.</param>
/// <param name="Text">The answer's text.</param>
internal sealed record GreedyCase(IReadOnlyList<(string Role, string Content)> Messages, int[] PromptIds, int[] Ids, string Text)
{
    /// <summary>All cases of the embedded model.</summary>
    public static IReadOnlyList<GreedyCase> All { get; } = Load();

    private static GreedyCase[] Load()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(TestData.Local("golden", "embedded", "greedy.json")));
        return [.. document.RootElement.EnumerateArray().Select(item => new GreedyCase(
            [.. item.GetProperty("messages").EnumerateArray().Select(message =>
                (message.GetProperty("role").GetString()!, message.GetProperty("content").GetString()!))],
            Ids32(item, "prompt_ids"),
            Ids32(item, "int8_ids"),
            item.GetProperty("int8_text").GetString()!))];
    }

    private static int[] Ids32(JsonElement item, string name) => [.. item.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
