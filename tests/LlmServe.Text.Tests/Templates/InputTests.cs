using System.Text.Json;
using LlmServe.Text.Templates;

namespace LlmServe.Text.Tests.Templates;

/// <summary>How a render's input reaches the template.</summary>
public sealed class InputTests
{
    [Theory]
    [InlineData("""{"x": 9007199254740993}""", "9007199254740993")]
    [InlineData("""{"x": 123456789012345678901234567890}""", "123456789012345678901234567890")]
    [InlineData("""{"x": [1, 1.0, -0, -0.0, 1e2, 1E-7, 1e400]}""", "[1, 1.0, 0, -0.0, 100.0, 1e-07, Infinity]")]
    [InlineData("""{"x": {"b": 1, "a": 2, "b": 3}}""", """{"b": 3, "a": 2}""")]
    [InlineData("""{"x": "\ud83d\ude42 \u0001 / \" \\ \u2028"}""", "\"\U0001f642 \\u0001 / \\\" \\\\ \u2028\"")]
    public void Render_JsonValue_KeepsItExactly(string variables, string expected) =>
        Assert.Equal(expected, Rendering.Render("{{ x|tojson }}", variables));

    [Fact]
    public void Render_MessageWithNulls_DropsThemAtTheTopOnly() =>
        Assert.Equal(
            """{"role": "user", "parts": [{"a": null}]}""",
            Rendering.Render("{{ messages[0]|tojson }}", """{"messages": [{"role": "user", "content": null, "parts": [{"a": null}]}]}"""));

    [Theory]
    [InlineData("""{"role": "a", "reasoning": "r"}""", """{"thinking": "r", "role": "a", "reasoning": "r", "reasoning_content": "r"}""")]
    [InlineData("""{"role": "a", "reasoning_content": "r"}""", """{"thinking": "r", "role": "a", "reasoning_content": "r"}""")]
    [InlineData("""{"role": "a", "thinking": "t"}""", """{"thinking": "t", "role": "a", "reasoning_content": "t"}""")]
    [InlineData("""{"role": "a", "thinking": "t", "reasoning_content": "r"}""", """{"thinking": "t", "role": "a", "reasoning_content": "r"}""")]
    [InlineData("""{"role": "a", "thinking": "t", "thinking": null}""", """{"role": "a"}""")]
    [InlineData("""{"role": "a", "reasoning_content": null, "reasoning": "x"}""", """{"thinking": "x", "role": "a", "reasoning": "x", "reasoning_content": "x"}""")]
    public void Render_MessageWithReasoning_GetsBothNames(string message, string expected)
    {
        string once = Rendering.Render("{{ messages[0]|tojson }}", $"{{\"messages\": [{message}]}}");
        Assert.Equal(expected, once);
        Assert.Equal(expected, Rendering.Render("{{ messages[0]|tojson }}", $"{{\"messages\": [{once}]}}"));
    }

    [Fact]
    public void Render_NothingGiven_DefinesToolsAndDocumentsAsNone() =>
        Assert.Equal("True True False", Rendering.Render("{{ tools is none }} {{ documents is none }} {{ other is defined }}"));

    [Fact]
    public void Render_VariableNamedAsAProperty_DoesNotReplaceIt() =>
        Assert.Equal("<s>", ChatTemplate.Parse("{{ bos_token }}").Render(Rendering.Input(
            JsonDocument.Parse("""{"bos_token": "other"}""").RootElement) with
        { BosToken = "<s>" }).Text);

    [Theory]
    [InlineData("""{"messages": ["text"]}""", "messages[0]")]
    [InlineData("""{"messages": [{"role": "user"}, null]}""", "messages[1]")]
    [InlineData("""{"messages": [{"content": "\ud800"}]}""", "messages[0]")]
    [InlineData("""{"x": {"\udc00": 1}}""", "x")]
    public void Render_BadInput_SaysWhere(string variables, string place) =>
        Assert.Contains(place, Assert.Throws<TemplateInputException>(() => Rendering.Render("x", variables)).Message, StringComparison.Ordinal);

    [Fact]
    public void Render_DeepJson_IsALimit()
    {
        string json = "{\"x\":" + new string('[', 500) + new string(']', 500) + "}";
        var root = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 2000 }).RootElement;
        var exception = Assert.Throws<TemplateLimitException>(() => ChatTemplate.Parse("x").Render(Rendering.Input(root)));
        Assert.Equal(nameof(TemplateLimits.ValueDepth), exception.Limit);
    }

    [Fact]
    public void Render_PlainMessages_RenderLikeJson()
    {
        var input = new ChatTemplateInput { Messages = [new("user", "a \"b\" \U0001f642 </s> é"), new("assistant", "c")], Now = Rendering.Clock };
        string text = ChatTemplate.Parse("{% for m in messages %}{{ m.role }}: {{ m.content }};{% endfor %}{{ add_generation_prompt }}").Render(input).Text;
        Assert.Equal("user: a \"b\" \U0001f642 </s> é;assistant: c;True", text);
    }

    [Fact]
    public void Render_ManyThreads_GiveTheSameText()
    {
        var template = ChatTemplate.Parse(
            "{% macro m(n) %}{{ n }}{% if n %},{{ m(n - 1) }}{% endif %}{% endmacro %}{% set ns = namespace(t='') %}"
            + "{% for i in range(50) %}{% set ns.t = ns.t ~ m(i % 7) ~ loop.index %}{% endfor %}{{ ns.t }}{{ x|tojson }}");
        var input = Rendering.Input(JsonDocument.Parse("""{"x": {"a": [1, 2.5, "z"]}}""").RootElement);
        string expected = template.Render(input).Text;
        var texts = new string[400];
        Parallel.For(0, texts.Length, i => texts[i] = template.Render(input).Text);
        Assert.All(texts, text => Assert.Equal(expected, text));
    }

    [Fact]
    public void Mentions_Variables_AreFound()
    {
        var template = ChatTemplate.Parse("{% if tools %}{{ tools[0].name }}{% endif %}{% set x = 'enable_thinking' %}");
        Assert.True(template.Mentions("tools"));
        Assert.False(template.Mentions("name"));
        Assert.False(template.Mentions("enable_thinking"));
    }
}
