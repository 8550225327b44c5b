namespace LlmServe.Text.Templates;

/// <summary>Parses what <c>set</c>, <c>for</c> and <c>with</c> assign to.</summary>
internal sealed class TargetParser(LexemeStream stream)
{
    private static readonly HashSet<string> Reserved =
        ["and", "else", "if", "in", "is", "not", "or", "true", "false", "none", "True", "False", "None"];

    /// <summary>Names with commas between them, nested in parentheses or not.</summary>
    public AssignmentTarget ParseNames(string? endName = null) => ParseList(endName, ParseName);

    /// <summary>As <see cref="ParseNames"/>, but attributes of namespaces are allowed too.</summary>
    public AssignmentTarget ParseSetTarget() => ParseList(null, ParseNameOrAttribute);

    private AssignmentTarget ParseList(string? endName, Func<AssignmentTarget> parse)
    {
        stream.Enter();
        var first = ParseItem(parse);
        var items = new List<AssignmentTarget> { first };
        bool isTuple = false;
        while (stream.SkipOperator(","))
        {
            isTuple = true;
            if ((endName is not null && stream.IsName(endName)) || stream.IsOperator("=") || stream.IsOperator(")"))
            {
                break;
            }

            items.Add(ParseItem(parse));
        }

        stream.Leave();
        return isTuple ? new TupleTarget([.. items]) : first;
    }

    private AssignmentTarget ParseItem(Func<AssignmentTarget> parse)
    {
        if (!stream.SkipOperator("("))
        {
            return parse();
        }

        var inner = ParseList(null, parse);
        stream.ExpectOperator(")");
        return inner;
    }

    private NameTarget ParseName()
    {
        var name = stream.Expect(LexemeKind.Name, "a name to assign to");
        return new NameTarget(Allowed(name));
    }

    private AssignmentTarget ParseNameOrAttribute()
    {
        var name = stream.Expect(LexemeKind.Name, "a name to assign to");
        return stream.SkipOperator(".")
            ? new NamespaceTarget(name.Text, stream.Expect(LexemeKind.Name, "an attribute's name").Text)
            : new NameTarget(Allowed(name));
    }

    private static string Allowed(Lexeme name) => Reserved.Contains(name.Text)
        ? throw new TemplateSyntaxException($"'{name.Text}' cannot be assigned to", name.Line) : name.Text;
}
