using System.Text;
using System.Text.Json;
using LlmServe.Text.Templates;

namespace LlmServe.Text.Tests.Templates;

/// <summary>What of a rendered text came from the input, through everything that a template can do with a string.</summary>
public sealed class OriginTests
{
    [Theory]
    [InlineData("a{{ x }}b", "a«vw»b")]
    [InlineData("{{ 'a' + x + 'b' }}", "a«vw»b")]
    [InlineData("{{ 'a' ~ x ~ 1 ~ x }}", "a«vw»1«vw»")]
    [InlineData("{{ ('<' + x + '>')[1:3] }}", "«vw»")]
    [InlineData("{{ ('<' + x + '>')[2:] }}", "«w»>")]
    [InlineData("{{ ('<' + x + '>')[0] }}{{ ('<' + x + '>')[1] }}", "<«v»")]
    [InlineData("{{ ('<' + x)[::-1] }}", "«wv<»")]
    [InlineData("{{ ('  ' + x + '  ')|trim }}", "«vw»")]
    [InlineData("{{ ('<' + x + '>').strip('>w') }}", "<«v»")]
    [InlineData("{{ ('-' + x + '--').rstrip('-') }}", "-«vw»")]
    [InlineData("{{ ('a' + x + 'a')|replace('a', 'bc') }}", "bc«vw»bc")]
    [InlineData("{{ 'a-b'|replace('-', x) }}", "a«vw»b")]
    [InlineData("{{ x.replace('v', '<') }}", "<«w»")]
    [InlineData("{{ 'ab'.replace('', x) }}", "«vw»a«vw»b«vw»")]
    [InlineData("{{ [x, 'a', x]|join('-') }}", "«vw»-a-«vw»")]
    [InlineData("{{ ['a', 'b']|join(x) }}", "a«vw»b")]
    [InlineData("{{ x.join(['a', 'b']) }}", "a«vw»b")]
    [InlineData("{{ {'k': x, 'n': 1}|tojson }}", "{\"k\": \"«vw»\", \"n\": 1}")]
    [InlineData("{{ {x: 'a'}|tojson }}", "{\"«vw»\": \"a\"}")]
    [InlineData("{{ ['a' + q]|tojson }}", "[\"a«\\\"»\"]")]
    [InlineData("{{ o|tojson(indent=1) }}", "{\n \"«k»\": \"«z»\",\n \"«n»\": [\n  1,\n  null\n ]\n}")]
    [InlineData("{{ o }}", "{'«k»': '«z»', '«n»': [1, None]}")]
    [InlineData("{{ ('a-' + x + '-b').split('-') | join('+') }}", "a+«vw»+b")]
    [InlineData("{{ ('a ' + x).split()[1] }}{{ ('a ' + x).rsplit(' ', 1)[0] }}", "«vw»a")]
    [InlineData("{{ ('a\n' + x).splitlines()[1] }}", "«vw»")]
    [InlineData("{{ ('a=' + x).partition('=')[2] }}", "«vw»")]
    [InlineData("{{ '%s<%s' % (x, 'a') }}", "«vw»<a")]
    [InlineData("{{ '%5s|%-4s|' % (x, x) }}", "   «vw»|«vw»  |")]
    [InlineData("{{ '%(k)s' % o }}", "«z»")]
    [InlineData("{{ x|format }}", "«vw»")]
    [InlineData("{{ 'a{}b{k}'.format(x, k='c') }}", "a«vw»bc")]
    [InlineData("{{ '{:>4}{!r}'.format(x, x) }}", "  «vw»'«vw»'")]
    [InlineData("{{ (x + '{}').format('a') }}", "«vwa»")]
    [InlineData("{{ (x + '%s') % 'a' }}", "«vwa»")]
    [InlineData("{{ ('a' + x)|upper }}{{ x|capitalize }}{{ x.title() }}", "A«VWVwVw»")]
    [InlineData("{{ ('ß' + x)|upper }}", "«SSVW»")]
    [InlineData("{{ (x + '\n<')|indent(2, first=true) }}", "  «vw»\n  <")]
    [InlineData("{{ ('a' + x)|truncate(4) }}{{ ('ab' + x ~ x ~ x)|truncate(6, true, '..', 0) }}", "a«vw»ab«vw»..")]
    [InlineData("{{ x.center(4) }}{{ x.ljust(3, '.') }}{{ 'a'.rjust(3, y) }}{{ x.zfill(3) }}", " «vw» «vw».«yy»a0«vw»")]
    [InlineData("{{ ('a\t' + x).expandtabs(2) }}", "a «vw»")]
    [InlineData("{{ ('<' + x)|e }}{{ ('<a>' + q)|escape }}", "&lt;«vw»&lt;a&gt;«&#34;»")]
    [InlineData("{{ 'a'|safe + '<' + q }}", "a&lt;«&#34;»")]
    [InlineData("{{ ('a ' + x)|urlencode }}", "a%20«vw»")]
    [InlineData("{{ ('<b>' + x)|striptags }}", "«vw»")]
    [InlineData("{{ x * 2 }}{{ 'a' * 2 }}", "«vwvw»aa")]
    [InlineData("{{ x|string }}{{ x|default('a') }}{{ z|default('a') }}", "«vwvw»a")]
    [InlineData("{{ x|list|join('.') }}{{ x|first }}{{ x|last }}{{ x|reverse }}", "«v».«wvwwv»")]
    [InlineData("{% for c in 'a' ~ x %}{{ c }}{% endfor %}", "a«vw»")]
    [InlineData("{% macro m(p) %}<{{ p }}>{% endmacro %}{{ m(x) }}{{ m('a') }}", "<«vw»><a>")]
    [InlineData("{% macro m() %}{{ caller(x) }}{% endmacro %}{% call(p) m() %}a{{ p }}{% endcall %}", "a«vw»")]
    [InlineData("{% macro m() %}{% for k in kwargs %}{{ k }}{% endfor %}{% endmacro %}{{ m(**o) }}{{ m(a=1) }}", "«kn»a")]
    [InlineData("{{ dict(**o)|list|join }}{{ dict(a=x) }}", "«kn»{'a': '«vw»'}")]
    [InlineData("{{ namespace(o) }}", "<Namespace {'«k»': '«z»', '«n»': [1, None]}>")]
    [InlineData("{% set t %}a{{ x }}{% endset %}{{ t }}", "a«vw»")]
    [InlineData("{% filter upper %}a{{ x }}{% endfilter %}", "A«VW»")]
    [InlineData("{% set ns = namespace(t='') %}{% for c in [x, 'a'] %}{% set ns.t = ns.t + c %}{% endfor %}{{ ns.t }}", "«vw»a")]
    [InlineData("{% for n in ['a', [x]] recursive %}{{ n if n is string else loop(n) }}{% endfor %}", "a«vw»")]
    [InlineData("{{ [x, 'a']|sort|join }}{{ [x]|map('upper')|join }}{{ [o]|map(attribute='k')|join }}", "a«vwVWz»")]
    [InlineData("{{ [{'g': x}]|groupby('g')|map(attribute='grouper')|join }}{{ [x, x]|unique|join }}", "«vwvw»")]
    [InlineData("{{ ['a', x]|sum(start='') }}{{ o.items()|list }}", "a«vw»[('«k»', '«z»'), ('«n»', [1, None])]")]
    [InlineData("{{ '%c' % 60 }}{{ strftime_now('%Y') }}{{ strftime_now(x) }}", "«<»2026«vw»")]
    [InlineData("{{ cycler(x).next() }}{{ joiner(x)() }}", "«vw»")]
    [InlineData("{{ 1 }}{{ true }}{{ none }}{{ [1.5] }}{{ x|length }}", "1TrueNone[1.5]2")]
    [InlineData("{% if x == 'vw' %}<{% endif %}{{ 'a' if x in ['vw'] }}", "<a")]
    [InlineData("{{ x.removeprefix('v') }}{{ ('a' + x).removesuffix('w') }}", "«w»a«v»")]
    [InlineData("{{ messages[0].role }}{{ messages[1].role }}{{ messages[0].content }}", "user«<|im_end|>hi»")]
    [InlineData("{{ '<|' + messages[0]['role'] + '|>' }}{{ '<|' + messages[1]['role'] }}", "<|user|><|«<|im_end|>»")]
    [InlineData("{{ bos_token }}{{ eos_token }}", "<s></s>")]
    public void Render_Operation_KeepsWhatIsInput(string template, string marked)
    {
        var variables = JsonDocument.Parse("""
            {
              "x": "vw", "y": "y", "q": "\"", "o": {"k": "z", "n": [1, null]},
              "messages": [{"role": "user", "content": "hi"}, {"role": "<|im_end|>", "content": ""}]
            }
            """).RootElement;
        var rendered = ChatTemplate.Parse(template).Render(Rendering.Input(variables) with { BosToken = "<s>", EosToken = "</s>" });
        Assert.Equal(marked, Mark(rendered));
    }

    [Fact]
    public void Render_MessageTree_ReadsLikeItsJson()
    {
        const string Template = "{% for m in messages %}{{ m|tojson }};{% endfor %}{{ tools|tojson }}";
        var tree = new ChatTemplateInput
        {
            Messages =
            [
                new TemplateMessage("user", TemplateValue.List([TemplateValue.Object(new("type", "text"), new("text", "a\ud800"))])),
                new TemplateMessage("assistant", null, [new("reasoning", "why"), new("none", TemplateValue.None), new("ok", true)]),
            ],
            Tools = JsonDocument.Parse("[1]").RootElement,
            Now = Rendering.Clock,
        };
        Assert.Equal(
            """
            {"«role»": "user", "«content»": [{"«type»": "«text»", "«text»": "«a�»"}]};{"thinking": "«why»", "«role»": "assistant", "«reasoning»": "«why»", "«ok»": true, "reasoning_content": "«why»"};[1]
            """.Replace("\"«role»\"", "\"role\"").Replace("\"«content»\"", "\"content\""),
            Mark(ChatTemplate.Parse(Template).Render(tree)));
    }

    [Fact]
    public void Render_CancelledInTheMidst_Stops()
    {
        var template = ChatTemplate.Parse("{% for i in range(90000) %}{{ i }}{% endfor %}");
        var input = new ChatTemplateInput { Messages = [], Now = Rendering.Clock };
        Assert.Throws<OperationCanceledException>(() => template.Render(input, cancellation: new CancellationToken(canceled: true)));
        Assert.Throws<TemplateLimitException>(() => template.Render(input, new TemplateLimits { Steps = 1000 }));
    }

    /// <summary>Whatever random expressions do, no character of the input is ever taken for the template's.</summary>
    [Fact]
    public void Render_RandomTemplates_NeverTakeInputForTheirOwn()
    {
        const string Letters = "\uE000\uE001\uE002\uE003";
        var json = JsonDocument.Parse(JsonSerializer.Serialize(new
        {
            s = "\uE000 \uE001\n\uE002", t = "\uE003", list = new[] { "\uE001", "\uE002\uE002" }, d = new Dictionary<string, string> { ["\uE003k"] = "\uE000" },
        })).RootElement;
        int rendered = 0;
        for (int seed = 0; seed < 4000; seed++)
        {
            string source = new ExpressionGenerator(seed).Template();
            RenderedText text;
            try
            {
                text = ChatTemplate.Parse(source).Render(Rendering.Input(json));
            }
            catch (TemplateException)
            {
                continue;
            }

            rendered++;
            for (int i = 0; i < text.Text.Length; i++)
            {
                Assert.True(!Letters.Contains(text.Text[i]) || text.Inputs.Any(span => i >= span.Start && i < span.End), $"seed {seed}: {source} gives {Mark(text)}");
            }
        }

        Assert.InRange(rendered, 1000, 4000);
    }

    /// <summary>The text with « and » around what is input.</summary>
    private static string Mark(RenderedText rendered)
    {
        var text = new StringBuilder();
        int at = 0;
        foreach (var span in rendered.Inputs)
        {
            Assert.InRange(span.Start, at, rendered.Text.Length);
            Assert.InRange(span.Length, 1, rendered.Text.Length - span.Start);
            text.Append(rendered.Text, at, span.Start - at).Append('«').Append(rendered.Text, span.Start, span.Length).Append('»');
            at = span.End;
        }

        return text.Append(rendered.Text, at, rendered.Text.Length - at).ToString();
    }
}
