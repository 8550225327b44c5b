using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Parses names, literals and brackets, and what may follow them: attributes, items, calls, filters and tests.</summary>
internal sealed class PrimaryParser(LexemeStream stream, ExpressionParser expressions)
{
    public Expression Parse()
    {
        var lexeme = stream.Current;
        switch (lexeme.Kind)
        {
            case LexemeKind.Name:
                stream.Take();
                return ParseName(lexeme.Text);
            case LexemeKind.String:
                return ParseString();
            case LexemeKind.Integer or LexemeKind.Float:
                stream.Take();
                return new ConstantNode(lexeme.Number!);
            case LexemeKind.Operator when lexeme.Text == "(":
                return ParseParentheses();
            case LexemeKind.Operator when lexeme.Text == "[":
                stream.Take();
                return stream.Checked(new ListNode([.. ParseItems("]", () => expressions.Parse())]));
            case LexemeKind.Operator when lexeme.Text == "{":
                stream.Take();
                return stream.Checked(new DictNode([.. ParseItems("}", ParsePair)]));
            default:
                throw stream.Unexpected("a value");
        }
    }

    /// <summary>Parses <c>.name</c>, <c>[key]</c> and <c>(arguments)</c> after a value.</summary>
    public Expression ParsePostfix(Expression value)
    {
        while (stream.Current.Kind == LexemeKind.Operator)
        {
            switch (stream.Current.Text)
            {
                case ".":
                    stream.Take();
                    value = stream.Checked(ParseMember(value));
                    break;
                case "[":
                    stream.Take();
                    value = stream.Checked(ParseSubscript(value));
                    break;
                case "(":
                    value = ParseCall(value);
                    break;
                default:
                    return value;
            }
        }

        return value;
    }

    /// <summary>Parses <c>|filter</c> and <c>is test</c> after a value.</summary>
    public Expression ParseFilters(Expression value)
    {
        while (true)
        {
            if (stream.SkipOperator("|"))
            {
                value = ParseFilter(value);
            }
            else if (stream.SkipName("is"))
            {
                value = ParseTest(value);
            }
            else if (stream.IsOperator("("))
            {
                value = ParseCall(value);
            }
            else
            {
                return value;
            }
        }
    }

    /// <summary>Parses a filter's name and arguments, and the filters that follow.</summary>
    public Expression ParseFilterChain(Expression value)
    {
        do
        {
            value = ParseFilter(value);
        }
        while (stream.SkipOperator("|"));
        return value;
    }

    public CallNode ParseCall(Expression callee)
    {
        int line = stream.Current.Line;
        return stream.Checked(new CallNode(callee, ParseArguments(), line));
    }

    private Expression ParseName(string name)
    {
        switch (name)
        {
            case "true" or "True":
                return new ConstantNode(BoolValue.True);
            case "false" or "False":
                return new ConstantNode(BoolValue.False);
            case "none" or "None":
                return new ConstantNode(NoneValue.Instance);
        }

        stream.Mentioned |= name switch
        {
            "caller" => SpecialNames.Caller,
            "varargs" => SpecialNames.Varargs,
            "kwargs" => SpecialNames.Kwargs,
            _ => SpecialNames.None,
        };
        stream.Names.Add(name);
        return new NameNode(name);
    }

    private ConstantNode ParseString()
    {
        var text = new StringBuilder();
        while (stream.Current.Kind == LexemeKind.String)
        {
            text.Append(stream.Take().Text);
        }

        return new ConstantNode(StringValue.Of(text.ToString()));
    }

    private Expression ParseParentheses()
    {
        stream.ExpectOperator("(");
        if (stream.SkipOperator(")"))
        {
            return new TupleNode([]);
        }

        var value = expressions.ParseTuple();
        stream.ExpectOperator(")");
        return value;
    }

    /// <summary>Parses items with commas between them, and the bracket that ends them; a comma after the last is allowed.</summary>
    private List<T> ParseItems<T>(string end, Func<T> parse)
    {
        var items = new List<T>();
        while (!stream.SkipOperator(end))
        {
            if (items.Count > 0)
            {
                if (!stream.SkipOperator(","))
                {
                    throw stream.Unexpected($"',' or '{end}'");
                }

                if (stream.SkipOperator(end))
                {
                    break;
                }
            }

            items.Add(parse());
        }

        return items;
    }

    private KeyValuePair<Expression, Expression> ParsePair()
    {
        var key = expressions.Parse();
        stream.ExpectOperator(":");
        return new(key, expressions.Parse());
    }

    private Expression ParseMember(Expression owner)
    {
        var name = stream.Take();
        return name.Kind switch
        {
            LexemeKind.Name => new AttributeNode(owner, name.Text),
            LexemeKind.Integer => new ItemNode(owner, new ConstantNode(name.Number!)),
            _ => throw new TemplateSyntaxException($"expected a name or a number after '.', found {name.Describe()}", name.Line),
        };
    }

    private Expression ParseSubscript(Expression owner)
    {
        Expression? start = null;
        if (!stream.IsOperator(":"))
        {
            start = expressions.ParseTuple();
            if (stream.SkipOperator("]"))
            {
                return new ItemNode(owner, start);
            }
        }

        stream.ExpectOperator(":");
        var stop = ParseBound();
        var step = stream.SkipOperator(":") ? ParseBound() : null;
        stream.ExpectOperator("]");
        return new SliceNode(owner, start, stop, step);
    }

    private Expression? ParseBound() => stream.IsOperator(":") || stream.IsOperator("]") ? null : expressions.Parse();

    private ArgumentList ParseArguments()
    {
        stream.ExpectOperator("(");
        var positional = new List<Expression>();
        var named = new List<KeyValuePair<StringValue, Expression>>();
        Expression? extraPositional = null;
        Expression? extraNamed = null;
        ParseItems(")", () =>
        {
            if (extraNamed is null && stream.SkipOperator("**"))
            {
                extraNamed = expressions.Parse();
            }
            else if (extraPositional is null && extraNamed is null && stream.SkipOperator("*"))
            {
                extraPositional = expressions.Parse();
            }
            else if (extraNamed is null && stream.Current.Kind == LexemeKind.Name && stream.Next is { Kind: LexemeKind.Operator, Text: "=" })
            {
                string name = stream.Take().Text;
                stream.Take();
                named.Add(new(StringValue.Of(name), expressions.Parse()));
            }
            else if (named.Count == 0 && extraPositional is null && extraNamed is null)
            {
                positional.Add(expressions.Parse());
            }
            else
            {
                throw stream.Unexpected("a named argument, since one came before");
            }

            return true;
        });
        return new ArgumentList([.. positional], [.. named], extraPositional, extraNamed);
    }

    private Expression ParseFilter(Expression value)
    {
        var (name, line) = ParseDottedName("a filter's name");
        var filter = Filters.Find(name);
        RequireKnown(filter, "filter", name, line);
        var arguments = stream.IsOperator("(") ? ParseArguments() : ArgumentList.None;
        return stream.Checked(new FilterNode(value, name, filter, arguments));
    }

    private Expression ParseTest(Expression value)
    {
        bool isNegated = stream.SkipName("not");
        var (name, line) = ParseDottedName("a test's name");
        var test = Tests.Find(name);
        RequireKnown(test, "test", name, line);
        var arguments = ArgumentList.None;
        if (stream.IsOperator("("))
        {
            arguments = ParseArguments();
        }
        else if (StartsBareArgument())
        {
            if (stream.IsName("is"))
            {
                throw stream.Fail("tests cannot be chained: write 'and' between them");
            }

            arguments = new ArgumentList([ParsePostfix(Parse())], [], null, null);
        }

        Expression node = stream.Checked(new TestNode(value, name, test, arguments));
        return isNegated ? stream.Checked(new NotNode(node)) : node;
    }

    private bool StartsBareArgument() => stream.Current.Kind switch
    {
        LexemeKind.Name => stream.Current.Text is not ("else" or "or" or "and" or "if" or "in" or "not" or "recursive"),
        LexemeKind.String or LexemeKind.Integer or LexemeKind.Float => true,
        LexemeKind.Operator => stream.Current.Text is "[" or "{",
        _ => false,
    };

    private (string Name, int Line) ParseDottedName(string description)
    {
        int line = stream.Current.Line;
        string name = stream.Expect(LexemeKind.Name, description).Text;
        while (stream.SkipOperator("."))
        {
            name += "." + stream.Expect(LexemeKind.Name, description).Text;
        }

        return (name, line);
    }

    private void RequireKnown(BuiltIn? found, string kind, string name, int line)
    {
        if (found is null && !stream.IsConditional)
        {
            stream.Unknown.Add(new TemplateSyntaxException($"there is no {kind} named '{name}'", line));
        }
    }
}
