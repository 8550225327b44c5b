namespace LlmServe.Text.Tests.Templates;

/// <summary>Draws templates from the grammar, with values and calls that are extreme more often than real ones.</summary>
internal sealed class TemplateGenerator(Random random)
{
    /// <summary>Bits of syntax to throw into other templates.</summary>
    public static readonly string[] Pieces =
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "{{-", "-%}", "'", "\"", "\\", "(", ")", "[", "]", "{", "}", "|", ".", ",", ":", "=", "~", "*", "**",
        "//", "%", "not ", " and ", " or ", " in ", " is ", " if ", " else ", "{% if x %}", "{% endif %}", "{% for i in l %}", "{% endfor %}", "{% else %}",
        "{% set x = ", "{% macro m(a) %}", "{% endmacro %}", "{{ m(1) }}", "{{ loop(l) }}", "recursive", "{% break %}", "{% raw %}", "{% endraw %}",
        "{% call m() %}", "{% endcall %}", "* 999999999", "[::-1]", "|list", "|tojson", "|map('upper')", "namespace(", "range(", "99999999999999999999",
        "1e308", "\U0001f642", "\n", "\r\n", "\u2028", "0x", "caller()", "varargs", "**d", "*l",
    ];

    private static readonly string[] Names = ["messages", "tools", "x", "s", "l", "d", "s", "l", "x", "loop", "m", "missing", "messages[0]", "tools[0].function"];

    private static readonly string[] Literals =
    [
        "0", "1", "-1", "2.5", "7", "1000000000", "99999999999999999999", "1e308", "''", "'a'", "'a b'", "'%s'", "'\U0001f642é'", "true", "none", "[]", "{}", "()",
        "[1, 'a', none]", "{'a': 1, 'b': [2]}", "('x', 2)", "range(1000)", "range(99999)", "namespace(a=1)", "'ab' * 1000",
    ];

    private static readonly string[] Filters =
    [
        "abs", "attr('a')", "batch(2, 'x')", "capitalize", "center(1000000)", "default('z', true)", "dictsort", "escape", "filesizeformat", "first", "float",
        "format(1, 2)", "groupby('role')", "indent(3, true)", "int", "items", "join(',')", "last", "length", "list", "lower", "map('upper')",
        "map(attribute='role')", "map('join', '-')", "max", "min", "pprint", "reject('none')", "rejectattr('role')", "replace('a', 'bb')", "reverse", "round(2)", "safe",
        "select('string')", "selectattr('role', 'eq', 'user')", "slice(3)", "sort", "sort(attribute='role')", "string", "striptags", "sum", "title",
        "tojson", "tojson(indent=2)", "trim", "truncate(3)", "unique", "upper", "urlencode", "wordcount", "string|list", "string|length", "default(l, true)|string", "tojson|upper", "string|replace('a', 'b')",
    ];

    private static readonly string[] Methods =
    [
        "strip()", "split()", "split('a')", "rsplit(' ', 1)", "upper()", "title()", "replace('', 'x')", "startswith('a')", "items()", "keys()", "get('k')",
        "append(1)", "format(1, k=2)", "join(l)", "count('a')", "index(1)", "find('b', -1, 9)", "zfill(10000)", "splitlines()", "partition('a')", "a", "_x", "__class__",
        "expandtabs(999)", "center(9, '*')", "cycle(1, 2)", "changed(1)", "nextitem", "length", "name",
    ];

    private static readonly string[] Tests =
        ["defined", "none", "string", "mapping", "iterable", "odd", "divisibleby(0)", "eq(1)", "in(l)", "sameas(x)", "upper", "callable", "lt('a')"];

    private static readonly string[] Operators = ["+", "-", "*", "/", "//", "%", "**", "~", "~", "~", "==", "==", "!=", "<", ">=", "in", "not in", "and", "or", "and", "or"];

    public string Template()
    {
        string text = "";
        for (int statements = random.Next(1, 4); statements > 0; statements--)
        {
            text += Statement(0);
        }

        return text;
    }

    private string Statement(int depth) => (depth > 3 ? 0 : random.Next(14)) switch
    {
        0 or 1 or 2 => $"{{{{ {Expression(0)} }}}}",
        3 => $"{{% if {Expression(1)} %}}{Statement(depth + 1)}{{% elif {Expression(2)} %}}{Statement(depth + 1)}{{% else %}}y{{% endif %}}",
        4 => $"{{% for i in {Expression(1)} %}}{Statement(depth + 1)}{{{{ loop.{Pick("index", "last", "length", "revindex", "nextitem")} }}}}{{% endfor %}}",
        5 => $"{{% for i in {Expression(1)} if {Expression(2)} recursive %}}{{{{ i }}}}{{{{ loop({Expression(2)}) }}}}{{% else %}}e{{% endfor %}}",
        6 => $"{{% set {Pick("x", "s", "l", "ns.a", "x, s")} = {Expression(0)} %}}",
        7 => $"{{% set x %}}{Statement(depth + 1)}{{% endset %}}",
        8 => $"{{% macro m(a, b={Expression(2)}) %}}{Statement(depth + 1)}{{{{ a }}}}{Pick("{{ caller() }}", "{{ varargs }}", "{{ m(a) }}", "")}{{% endmacro %}}",
        9 => $"{{{{ m({Expression(1)}, {Pick("", "b=1", "*l", "**d")}) }}}}",
        10 => $"{{% call m({Expression(2)}) %}}{Statement(depth + 1)}{{% endcall %}}",
        11 => $"{{% filter {Pick(Filters)} %}}{Statement(depth + 1)}{{% endfilter %}}",
        12 => $"{{% for i in range(99999) %}}{{% set ns.a = {Expression(1)} %}}{Statement(depth + 1)}{Pick("{% break %}", "{% continue %}", "")}{{% endfor %}}",
        _ => $"{{% generation %}}{Statement(depth + 1)}{{% endgeneration %}}{{% with x = {Expression(2)} %}}{Statement(depth + 1)}{{% endwith %}} \n text",
    };

    private string Expression(int depth) => (depth > 2 ? random.Next(2) : random.Next(12)) switch
    {
        0 => Pick(Names),
        1 => Pick(Literals),
        2 or 3 => $"{Expression(depth + 1)}|{Pick(Filters)}",
        4 => $"({Pick("", "'' ~ ")}{Expression(depth + 1)}).{Pick(Methods)}",
        5 => $"({Expression(depth + 1)})[{Expression(depth + 2)}]",
        6 => $"({Expression(depth + 1)})[{Pick("", "1", "-1", "x")}:{Pick("", "2", "-1")}:{Pick("", "-1", "2", "0", "10**30")}]",
        7 or 8 => $"({Expression(depth + 1)} {Pick(Operators)} {Expression(depth + 1)})",
        9 => $"({Expression(depth + 1)} is {Pick("", "not ")}{Pick(Tests)})",
        10 => $"({Expression(depth + 1)} if {Expression(depth + 1)} else {Expression(depth + 1)})",
        _ => $"[{Expression(depth + 1)}, {Pick("not ", "-", "", "", "")}{Expression(depth + 1)}]",
    };

    private string Pick(params string[] choices) => choices[random.Next(choices.Length)];
}
