using System.Text.Json;
using LlmServe.Testing;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation.Tests;

/// <summary>The shared data's templates and conversations.</summary>
internal static class TemplateCases
{
    public static readonly DateTimeOffset Now = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Names of the templates.</summary>
    public static IReadOnlyList<string> AllNames => [.. Directory.EnumerateFiles(TestData.Shared("data", "templates"), "*.jinja")
        .Select(path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal)];

    public static string Source(string name) => File.ReadAllText(TestData.Shared("data", "templates", name + ".jinja"));

    public static IEnumerable<JsonElement> Cases(string name) => File.ReadLines(TestData.Shared("data", "templates", name + ".jsonl"))
        .Where(line => line.Length > 0).Select(line => JsonDocument.Parse(line).RootElement);

    public static ChatTemplateInput Input(JsonElement root, int messages, bool prompt) => new()
    {
        Messages = [.. root.GetProperty("messages").EnumerateArray().Take(messages).Select(TemplateMessage.FromJson)],
        Tools = root.GetProperty("tools") is { ValueKind: not JsonValueKind.Null } tools ? tools : null,
        AddGenerationPrompt = prompt,
        BosToken = root.GetProperty("bos_token").GetString()!,
        EosToken = root.GetProperty("eos_token").GetString()!,
        Variables = root.GetProperty("kwargs").EnumerateObject().ToDictionary(pair => pair.Name, pair => (TemplateValue)pair.Value),
        Now = Now,
    };
}
