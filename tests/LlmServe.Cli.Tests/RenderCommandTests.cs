using System.Text.Json;
using LlmServe.Cli.App;
using LlmServe.Cli.Tests.Support;
using LlmServe.Gguf;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests;

public sealed class RenderCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Render_EmbeddedModelsTemplate_GivesTheGoldenTexts()
    {
        string cases = TestData.Local("templates", "smollm2-135m-instruct.jsonl");

        var result = await new CliHarness().RunAsync("render", "--json", cases);

        string?[] expected = [.. File.ReadLines(cases).Select(line => Text(line, "expected"))];
        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.True(expected.Length > 20);
        Assert.Equal(expected, result.Out.TrimEnd('\n').Split('\n').Select(line => Text(line, "text")));
    }

    [Fact]
    public async Task Render_TemplateThatRefuses_GivesItsWordsAndGoesOn()
    {
        string template = _folder.Write("t.jinja", "{% if messages|length > 1 %}{{ raise_exception('one message only') }}{% endif %}{{ bos_token }}{{ messages[0].content }}");
        string input = """
            {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}
            {"messages": [{"role": "user", "content": "é"}], "bos_token": "<s>"}
            """;

        var result = await new CliHarness(input).RunAsync("render", "--template", template, "--json", "-");

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Equal("{\"error\":\"one message only\"}\n{\"text\":\"<s>é\"}\n", result.Out);
    }

    [Fact]
    public async Task Render_Now_IsFixedUnlessGiven()
    {
        string template = _folder.Write("t.jinja", "{{ strftime_now('%Y-%m-%d') }}");
        const string Input = """{"messages": []}""";

        var fixedTime = await new CliHarness(Input).RunAsync("render", "--template", template, "--json", "-");
        var given = await new CliHarness(Input).RunAsync("render", "--template", template, "--json", "-", "--now", "2001-02-03");

        Assert.Equal("{\"text\":\"2026-01-15\"}\n", fixedTime.Out);
        Assert.Equal("{\"text\":\"2001-02-03\"}\n", given.Out);
    }

    [Theory]
    [InlineData("{% if %}", """{"messages": []}""", "t.jinja: ")]
    [InlineData("x", """{"messages": 1}""", "line 1: the object needs \"messages\"")]
    [InlineData("x", "nonsense", "line 1 is no JSON")]
    public async Task Render_BadInput_IsNamed(string template, string input, string expected)
    {
        var result = await new CliHarness(input).RunAsync("render", "--template", _folder.Write("t.jinja", template), "--json", "-");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains(expected, result.Error);
    }

    [Fact]
    public async Task Render_ModelWithTemplateForTools_UsesItForCasesWithTools()
    {
        string model = _folder.File("two.gguf");
        new GgufWriter().Add("general.architecture", GgufValue.Of("llama")).Add("tokenizer.chat_template", GgufValue.Of("plain"))
            .Add("tokenizer.chat_template.tool_use", GgufValue.Of("tools {{ tools|length }}")).Add("tokenizer.chat_template.rag", GgufValue.Of("rag"))
            .Save(model);
        const string Input = """
            {"messages": [], "tools": [{}]}
            {"messages": [], "tools": null}
            """;

        var chosen = await new CliHarness(Input).RunAsync("render", "--model", model, "--json", "-");
        var named = await new CliHarness(Input).RunAsync("render", "--model", model, "--json", "-", "--template-name", "rag");
        var unknown = await new CliHarness(Input).RunAsync("render", "--model", model, "--json", "-", "--template-name", "other");
        var listed = await new CliHarness().RunAsync("inspect", "--model", model);

        Assert.Equal("{\"text\":\"tools 1\"}\n{\"text\":\"plain\"}\n", chosen.Out);
        Assert.Equal("{\"text\":\"rag\"}\n{\"text\":\"rag\"}\n", named.Out);
        Assert.Equal(ExitCode.Usage, unknown.Code);
        Assert.Contains("it has default, rag, tool_use", unknown.Error);
        Assert.Contains("chat template 'tool_use'", listed.Out);
    }

    [Fact]
    public async Task Render_ModelWithoutTemplate_SaysWhatToDo()
    {
        string model = _folder.File("plain.gguf");
        new GgufWriter().Add("general.architecture", GgufValue.Of("llama")).Save(model);

        var result = await new CliHarness("{}").RunAsync("render", "--model", model, "--json", "-");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("no chat template", result.Error);
        Assert.Contains("--template FILE", result.Error);
    }

    private static string? Text(string line, string name)
    {
        using var document = JsonDocument.Parse(line);
        return document.RootElement.TryGetProperty(name, out var value) ? value.GetString() : null;
    }
}
