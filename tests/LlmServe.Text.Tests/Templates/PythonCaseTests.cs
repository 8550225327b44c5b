using System.Text.Json;

namespace LlmServe.Text.Tests.Templates;

/// <summary>Letter case as Python has it, where .NET's own differs. The expected texts are Python 3.11's.</summary>
public sealed class PythonCaseTests
{
    [Theory]
    [InlineData("casefold", "\u00df \u1e9e \ufb01 \u017f \u03c2 \u03a3\u0391\u03a3 \u1f88 \u0386 \u0149 \u0131 \u0130 \u212a \u212b \u0345", "ss ss fi s \u03c3 \u03c3\u03b1\u03c3 \u1f00\u03b9 \u03ac \u02bcn \u0131 i\u0307 k \u00e5 \u03b9")]
    [InlineData("casefold", "\u13a0 \uab70 \u13f8 Stra\u00dfe", "\u13a0 \u13a0 \u13f0 strasse")]
    [InlineData("title", "\u01c6 \u01c4 \u01c5 \u01c9 \u01cc \u01f3", "\u01c5 \u01c5 \u01c5 \u01c8 \u01cb \u01f2")]
    [InlineData("title", "\u1f80 \u1fb3 \u1fbc \u1ff2 \u1fb7 \u0149 \ufb03 \u00df \u10d0", "\u1f88 \u1fbc \u1fbc \u1ffa\u0345 \u0391\u0342\u0345 \u02bcN Ffi Ss \u10d0")]
    [InlineData("capitalize", "\u01c6UNGLA \u0131Ii", "\u01c5ungla \u0131ii")]
    [InlineData("upper", "\u0131\u017f\u00df\u0149", "ISSS\u02bcN")]
    [InlineData("swapcase", "\u01c5 \u1f88 \u2167 aB", "\u01c5 \u1f88 \u2177 Ab")]
    public void Render_CaseMethods_AreUnicodesFullMappings(string method, string text, string expected)
    {
        string variables = JsonSerializer.Serialize(new { x = text });
        string python = Rendering.Render($"{{{{ x.{method}() }}}}", variables);
        Assert.Equal(expected, python);
    }

    [Fact]
    public void Render_MacroAttributes_AreThere() => Assert.Equal(
        "('a', 'b') m ()",
        Rendering.Render("{% macro m(a, b=1) %}{% endmacro %}{% macro n() %}{% endmacro %}{{ m.arguments }} {{ m.name }} {{ n.arguments }}"));
}
