using System.Text.Json;
using LlmServe.Text.Templates;

namespace LlmServe.Text.Tests.Templates;

/// <summary>One case of a golden file: an input, and the text or the template's own error that must come of it.</summary>
internal sealed record GoldenCase(string Id, ChatTemplateInput Input, string? Expected, string? Error)
{
    public static IEnumerable<GoldenCase> Read(string path) => File.ReadLines(path).Where(line => line.Length > 0).Select(Parse);

    /// <summary>Renders the case and says what is wrong, or null.</summary>
    public string? Check(ChatTemplate template)
    {
        try
        {
            string text = template.Render(Input).Text;
            return text == Expected ? null : $"{Id}: {Difference(text)}";
        }
        catch (TemplateRaisedException exception)
        {
            return exception.Message == Error ? null : $"{Id}: raised '{exception.Message}', expected {Error ?? "no error"}";
        }
        catch (TemplateException exception)
        {
            return $"{Id}: {exception.GetType().Name}: {exception.Message}";
        }
    }

    private string Difference(string text)
    {
        if (Expected is null)
        {
            return $"rendered, but should raise '{Error}'";
        }

        int at = text.AsSpan().CommonPrefixLength(Expected);
        return $"differs at {at}: {Around(text, at)} instead of {Around(Expected, at)}";
    }

    private static string Around(string text, int at) =>
        JsonSerializer.Serialize(text[Math.Max(0, at - 30)..Math.Min(text.Length, at + 30)]);

    private static GoldenCase Parse(string line)
    {
        var root = JsonDocument.Parse(line).RootElement;
        return new GoldenCase(
            root.GetProperty("id").GetString()!,
            InputOf(root),
            root.TryGetProperty("expected", out var expected) ? expected.GetString() : null,
            root.TryGetProperty("error", out var error) ? error.GetString() : null);
    }

    /// <summary>What a case gives to its template.</summary>
    public static ChatTemplateInput InputOf(JsonElement root)
    {
        var tools = root.GetProperty("tools");
        return new ChatTemplateInput
        {
            Messages = [.. root.GetProperty("messages").EnumerateArray().Select(TemplateMessage.FromJson)],
            Tools = tools.ValueKind == JsonValueKind.Null ? null : tools,
            AddGenerationPrompt = root.GetProperty("add_generation_prompt").GetBoolean(),
            BosToken = root.GetProperty("bos_token").GetString()!,
            EosToken = root.GetProperty("eos_token").GetString()!,
            Variables = root.GetProperty("kwargs").EnumerateObject().ToDictionary(pair => pair.Name, pair => (TemplateValue)pair.Value),
            Now = Rendering.Clock,
        };
    }
}
