using System.Text.Json;
using LlmServe.Text.Templates;

namespace LlmServe.Text.Tests.Templates;

/// <summary>Short ways to render a template in a test.</summary>
internal static class Rendering
{
    /// <summary>A Thursday.</summary>
    public static readonly DateTimeOffset Clock = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Renders a template over the members of a JSON object; a member <c>messages</c> or <c>tools</c> goes to its own place.</summary>
    public static string Render(string template, string variables = "{}", TemplateLimits? limits = null) =>
        ChatTemplate.Parse(template, limits).Render(Input(JsonDocument.Parse(variables).RootElement)).Text;

    public static ChatTemplateInput Input(JsonElement variables) => new()
    {
        Messages = variables.TryGetProperty("messages", out var messages) ? [.. messages.EnumerateArray().Select(TemplateMessage.FromJson)] : [],
        Tools = variables.TryGetProperty("tools", out var tools) ? tools : null,
        Variables = variables.EnumerateObject().Where(pair => pair.Name is not ("messages" or "tools")).ToDictionary(pair => pair.Name, pair => (TemplateValue)pair.Value),
        Now = Clock,
    };
}
