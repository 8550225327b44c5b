using LlmServe.Text.Templates;

namespace LlmServe.Text.Tests.Templates;

/// <summary>Errors of each kind, with their lines.</summary>
public sealed class ErrorTests
{
    [Theory]
    [InlineData("a\n{{ 1 + }}", 2, "expected a value, found '}}'")]
    [InlineData("{% if a %}\n\n{% foo %}", 3, "no statement named 'foo'")]
    [InlineData("{% include 'x' %}", 1, "'include' is not supported")]
    [InlineData("\n\n{{ x|nope }}", 3, "no filter named 'nope'")]
    [InlineData("{{ x is nope }}", 1, "no test named 'nope'")]
    [InlineData("\n{% for x in y %}\n", 2, "expected '{% endfor %}'")]
    [InlineData("{{ (1 }}", 1, "unexpected '}', expected ')'")]
    [InlineData("{{ 'abc }}", 1, "is never closed")]
    [InlineData("{% break %}", 1, "outside of a loop")]
    [InlineData("{% for x in y %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}", 1, "outside of a loop")]
    [InlineData("{% endif %}", 1, "'endif' has no statement")]
    [InlineData("{{ a ? b }}", 1, "unexpected character '?'")]
    [InlineData("{{ '\\N{BULLET}' }}", 1, "'\\N' is not supported")]
    [InlineData("\r\n\r\n{% raw %}", 3, "no '{% endraw %}'")]
    [InlineData("{{ '\\x1' }}", 1, "needs 2 hexadecimal digits")]
    [InlineData("{% set none = 1 %}", 1, "'none' cannot be assigned to")]
    public void Parse_BadSource_SaysWhereAndWhat(string source, int line, string message)
    {
        var exception = Assert.Throws<TemplateSyntaxException>(() => ChatTemplate.Parse(source));
        Assert.Equal(line, exception.Line);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a\n{{ x.y }}", 2, "'x' is undefined")]
    [InlineData("\n\n{% set a = {} %}\n{{ a.b.c }}", 4, "a value of type 'dict' has no attribute or item 'b'")]
    [InlineData("{{ [1].append(2) }}", 1, "'append' would change a list")]
    [InlineData("{{ 1 + 'a' }}", 1, "between values of the types 'int' and 'str'")]
    [InlineData("{% macro m() %}\n{{ 1 / 0 }}\n{% endmacro %}\n\n{{ m() }}", 2, "division by zero")]
    [InlineData("{% if true %}\n{{ 1|nope }}{% endif %}", 2, "no filter named 'nope'")]
    [InlineData("{{ range(200000) }}", 1, "100000 are allowed")]
    [InlineData("{{ lipsum() }}", 1, "lipsum is not supported")]
    [InlineData("{% set ns = namespace() %}{% set ns._x = 1 %}", 1, "underscore")]
    public void Render_BadOperation_SaysWhereAndWhat(string source, int line, string message)
    {
        var exception = Assert.Throws<TemplateRuntimeException>(() => Rendering.Render(source));
        Assert.Equal(line, exception.Line);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Render_RaiseException_GivesTheTemplatesOwnWords() =>
        Assert.Equal("Only 2 roles!", Assert.Throws<TemplateRaisedException>(() => Rendering.Render("\n{{ raise_exception('Only ' ~ 2 ~ ' roles!') }}")).Message);

    [Fact]
    public void Render_UnknownFilterInABranchNotTaken_IsNoError() =>
        Assert.Equal("ok", Rendering.Render("{% if false %}{{ x|from_json }}{% endif %}{{ x|from_json if false else 'ok' }}"));
}
