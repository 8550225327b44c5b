namespace LlmServe.Text.Tests.Templates;

/// <summary>Random templates whose expressions are mostly about strings and meaningful more often than not.</summary>
internal sealed class ExpressionGenerator(int seed)
{
    private static readonly string[] Atoms = ["s", "t", "'<|a|>'", "'x y'", "list[0]", "list|join(' ')", "d|tojson", "d", "list", "d|items|list", "'{}-{}'", "'%s/%s'"];

    private static readonly string[] Changes =
    [
        "|upper", "|title", "|trim", "|indent(1)", "|replace('x', {0})", "|replace({0}, 'x')", "|tojson", "|string", "|list|join({0})", "|reverse|list|join",
        "|e", "|escape ~ {0}", "|safe + {0}", "|truncate(3, true, {0}, 0)", "|urlencode ~ {0}", "|striptags", "|center(9)", "|wordcount", "|first", "|last ~ {0}",
        ".strip()", ".lstrip('<')", ".split()", ".split({0})", ".rsplit({0}, 1)|join", ".partition({0})[2]", ".splitlines()|last", ".casefold()", ".swapcase()",
        ".format({0}, {1})", " % ({0}, {1})", ".join([{0}, {1}])", ".removeprefix({0})", ".ljust(9, '-')", ".zfill(9)", ".expandtabs(3)", ".capitalize()",
        "[1:]", "[:-1]", "[::-1]", "[0]", "[::2]", " ~ {0}", " + {0}", " * 2", " if {0} else {1}", " or {0}", "|sort|join", "|map('upper')|join('-')",
        "|unique|join({0})", "|batch(2)|list", "|sum(start='')", "|items|list", "|pprint", ".get({0}, {1})", ".values()|list",
    ];

    private readonly Random _random = new(seed);

    /// <summary>A template of a few statements.</summary>
    public string Template() => string.Concat(Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Statement()));

    private string Statement() => _random.Next(6) switch
    {
        0 => "{% set v %}" + Statement() + "{% endset %}{{ v" + Change() + " }}",
        1 => "{% macro m(p) %}" + "{{ p" + Change() + " }}{% endmacro %}{{ m(" + Expression(2) + ")" + Change() + " }}",
        2 => "{% for v in " + Expression(2) + " %}{{ v }}{{ v" + Change() + " }}{% endfor %}",
        3 => "{% filter upper %}" + "{{ " + Expression(2) + " }}{% endfilter %}",
        _ => "{{ " + Expression(3) + " }}",
    };

    private string Expression(int depth)
    {
        string text = depth == 0 || _random.Next(4) == 0 ? Atoms[_random.Next(Atoms.Length)] : "(" + Expression(depth - 1) + ")";
        return _random.Next(4) == 0 ? text : text + Change();
    }

    private string Change() => string.Format(
        System.Globalization.CultureInfo.InvariantCulture, Changes[_random.Next(Changes.Length)].Replace("{}", "{{}}"),
        Atoms[_random.Next(Atoms.Length)], Atoms[_random.Next(Atoms.Length)]);
}
