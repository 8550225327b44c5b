using System.Text.Json;
using LlmServe.Testing;

namespace LlmServe.Constraints.Tests;

/// <summary>Lines of the shared grammar cases.</summary>
internal static class SharedCases
{
    /// <summary>The cases of a file, by id.</summary>
    public static IEnumerable<(string Id, JsonElement Case)> Read(string file)
    {
        foreach (string line in File.ReadLines(TestData.Shared("data", "grammars", file)))
        {
            var element = JsonDocument.Parse(line).RootElement;
            yield return (element.GetProperty("id").GetString()!, element);
        }
    }

    /// <summary>A list of texts; none if it is not there.</summary>
    public static string[] Texts(this JsonElement element, string name) =>
        element.TryGetProperty(name, out var list) ? [.. list.EnumerateArray().Select(text => text.GetString()!)] : [];

    /// <summary>A text.</summary>
    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
