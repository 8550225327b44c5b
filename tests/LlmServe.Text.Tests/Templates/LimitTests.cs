using System.Text;
using LlmServe.Text.Templates;

namespace LlmServe.Text.Tests.Templates;

/// <summary>Templates that ask for too much end with the limit's name, soon and without using much.</summary>
public sealed class LimitTests
{
    // What a render may allocate where a limit of a few million characters or steps ends it.
    private const long MaxAllocation = 256 << 20;

    private static readonly TemplateLimits Tight = new() { Steps = 200_000, TextLength = 1 << 20, OutputLength = 1 << 18 };

    [Theory]
    [InlineData("{{ 'a' * 10**9 }}", nameof(TemplateLimits.TextLength))]
    [InlineData("{{ ('a' * 10**6).replace('a', 'b' * 10**6) }}", nameof(TemplateLimits.TextLength))]
    [InlineData("{{ ('a' * 1000)|replace('', 'b' * 10000) }}", nameof(TemplateLimits.TextLength))]
    [InlineData("{{ 'a'|center(10**9) }}", nameof(TemplateLimits.TextLength))]
    [InlineData("{{ 'a'.ljust(10**30) }}", nameof(TemplateLimits.TextLength))]
    [InlineData("{{ ('a\\n' * 1000)|indent(10**8) }}", nameof(TemplateLimits.TextLength))]
    [InlineData("{{ [[1]]|tojson(indent=10**9) }}", nameof(TemplateLimits.TextLength))]
    [InlineData("{{ range(100000)|join('x' * 100000) }}", nameof(TemplateLimits.TextLength))]
    [InlineData("{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", nameof(TemplateLimits.TextLength))]
    [InlineData("{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x]|string %}{% endfor %}", nameof(TemplateLimits.TextLength))]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}", nameof(TemplateLimits.Steps))]
    [InlineData("{{ [1] * 10**9 }}", nameof(TemplateLimits.Steps))]
    [InlineData("{{ [[]] * 10**30 }}", nameof(TemplateLimits.Steps))]
    [InlineData("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", nameof(TemplateLimits.Steps))]
    [InlineData("{% set a = 'a' * 100000 %}{{ a ~ 'b' in a ~ a }}", nameof(TemplateLimits.Steps))]
    [InlineData("{{ range(100000)|list|batch(2)|list|length }}{{ range(100000)|sort }}", nameof(TemplateLimits.Steps))]
    [InlineData("{{ 'a'|list|slice(10**9)|list }}", nameof(TemplateLimits.Steps))]
    [InlineData("{% for i in range(100000) %}{{ 'abcdefghij' }}{% endfor %}", nameof(TemplateLimits.OutputLength))]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", nameof(TemplateLimits.CallDepth))]
    [InlineData("{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}", nameof(TemplateLimits.CallDepth))]
    [InlineData("{% macro m() %}{% call m() %}{% endcall %}{{ caller }}{% endmacro %}{{ m() }}", nameof(TemplateLimits.CallDepth))]
    [InlineData("{% set ns = namespace(x=1) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}", nameof(TemplateLimits.ValueDepth))]
    [InlineData("{% set ns = namespace(x=1) %}{% for i in range(1000) %}{% set ns.x = {'a': (ns.x,)} %}{% endfor %}", nameof(TemplateLimits.ValueDepth))]
    [InlineData("{% set ns = namespace(x='abc') %}{% for i in range(1000) %}{% set ns.x = ns.x|map('upper') %}{% endfor %}", nameof(TemplateLimits.ValueDepth))]
    [InlineData("{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", nameof(TemplateLimits.ValueDepth))]
    public void Render_ExcessiveTemplate_NamesTheLimit(string source, string limit)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var exception = Assert.Throws<TemplateLimitException>(() => Rendering.Render(source, limits: Tight with { OutputLength = 1 << 17 }));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(limit, exception.Limit);
        Assert.Contains(limit, exception.Message, StringComparison.Ordinal);
        Assert.True(allocated < MaxAllocation, $"{allocated} bytes allocated");
    }

    [Theory]
    [InlineData("{{ 2 ** (10 ** 9) }}")]
    [InlineData("{% set ns = namespace(x=3) %}{% for i in range(100) %}{% set ns.x = ns.x * ns.x %}{% endfor %}")]
    [InlineData("{{ '%1000000000d' % 1 }}")]
    [InlineData("{{ '{:1000000000}'.format(1) }}")]
    public void Render_ExcessiveNumber_Fails(string source) => Assert.Throws<TemplateRuntimeException>(() => Rendering.Render(source));

    public static TheoryData<string, string> Nests => new()
    {
        { "(", ")" },
        { "[", "]" },
        { "{1:", "}" },
        { "not ", "" },
        { "-", "" },
        { "f(", ")" },
        { "x[", "]" },
        { "1 if 1 else ", "" },
        { "x is eq(", ")" },
        { "x|default(", ")" },
    };

    [Theory]
    [MemberData(nameof(Nests))]
    public void Parse_DeepExpression_IsALimit(string open, string close)
    {
        string source = "{{ " + Repeat(open, 60_000) + "1" + Repeat(close, 60_000) + " }}";
        Assert.Equal(nameof(TemplateLimits.Nesting), Assert.Throws<TemplateLimitException>(() => ChatTemplate.Parse(source)).Limit);
    }

    [Theory]
    [InlineData(".a")]
    [InlineData("|upper")]
    [InlineData("[0]")]
    [InlineData("()")]
    public void Parse_LongPostfixChain_IsALimit(string postfix) => Assert.Equal(
        nameof(TemplateLimits.Nesting), Assert.Throws<TemplateLimitException>(() => ChatTemplate.Parse("{{ x" + Repeat(postfix, 60_000) + " }}")).Limit);

    [Theory]
    [InlineData("{% if 1 %}")]
    [InlineData("{% for x in y %}")]
    [InlineData("{% macro m() %}")]
    [InlineData("{% set x %}")]
    [InlineData("{% filter upper %}")]
    public void Parse_DeepStatements_IsALimit(string statement) => Assert.Equal(
        nameof(TemplateLimits.Nesting), Assert.Throws<TemplateLimitException>(() => ChatTemplate.Parse(Repeat(statement, 20_000))).Limit);

    [Theory]
    [InlineData(" + 1", "5001")]
    [InlineData(" and 1", "1")]
    [InlineData(" or 1", "1")]
    [InlineData(" == 1", "True")]
    public void Render_LongFlatExpression_NeedsNoDepth(string part, string expected) =>
        Assert.Equal(expected, Rendering.Render("{{ 1" + Repeat(part, 5000) + " }}"));

    [Fact]
    public void Parse_LongSource_IsALimit() => Assert.Equal(
        nameof(TemplateLimits.SourceLength),
        Assert.Throws<TemplateLimitException>(() => ChatTemplate.Parse(new string('a', 101), new TemplateLimits { SourceLength = 100 })).Limit);

    [Fact]
    public void Render_NoTimeLeft_IsALimit() => Assert.Equal(
        nameof(TemplateLimits.Time),
        Assert.Throws<TemplateLimitException>(() =>
            Rendering.Render("{% for i in range(100000) %}{% endfor %}", limits: new TemplateLimits { Time = TimeSpan.Zero })).Limit);

    [Fact]
    public void Render_DeepestAllowedEverything_FitsASmallStack()
    {
        // Every macro call nests expressions and statements as deep as the parser lets it.
        string source = "{% macro m(n) %}" + Repeat("{% if 1 %}", 40) + "{{ " + Repeat("(1, ", 40) + "m(n + 1)" + Repeat(")", 40) + " }}"
            + Repeat("{% endif %}", 40) + "{% endmacro %}{{ m(0) }}";
        Exception? caught = null;
        var thread = new Thread(() => caught = Record.Exception(() => Rendering.Render(source)), 256 << 10);
        thread.Start();
        thread.Join();
        Assert.IsType<TemplateLimitException>(caught);
    }

    private static string Repeat(string text, int count) => new StringBuilder().Insert(0, text, count).ToString();
}
