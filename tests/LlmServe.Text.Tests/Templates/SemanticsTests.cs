using System.Text.Json;
using LlmServe.Testing;
using LlmServe.Text.Templates;
using Xunit.Abstractions;

namespace LlmServe.Text.Tests.Templates;

/// <summary>Small templates against what Jinja2 makes of them.</summary>
public sealed class SemanticsTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("semantics.jsonl", 350)]
    [InlineData("expressions.jsonl", 900)]
    public void Render_ReferenceCases_EqualsJinja(string file, int atLeast)
    {
        var lines = File.ReadLines(TestData.Local("templates", file)).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        var input = Rendering.Input(lines[0].GetProperty("variables"));
        var failures = lines.Skip(1).Select(line => Check(line, input)).Where(failure => failure is not null).ToList();
        output.WriteLine($"{file}: {lines.Count - 1 - failures.Count} of {lines.Count - 1} cases equal");
        Assert.True(lines.Count - 1 >= atLeast, $"{file} holds {lines.Count - 1} cases");
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    private static string? Check(JsonElement golden, ChatTemplateInput input)
    {
        string template = golden.GetProperty("template").GetString()!;
        string expected = golden.TryGetProperty("text", out var text) ? "text " + text.GetString()
            : golden.TryGetProperty("raised", out var raised) ? "raised " + raised.GetString() : "fails";
        string actual;
        try
        {
            actual = "text " + ChatTemplate.Parse(template).Render(input).Text;
        }
        catch (TemplateRaisedException exception)
        {
            actual = "raised " + exception.Message;
        }
        catch (TemplateException exception)
        {
            actual = expected == "fails" ? "fails" : exception.Message;
        }

        return actual == expected ? null : $"{template}\n  expected {expected}\n  found    {actual}";
    }
}
