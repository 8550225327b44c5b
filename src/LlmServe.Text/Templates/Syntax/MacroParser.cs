namespace LlmServe.Text.Templates;

/// <summary>Parses macros and call blocks.</summary>
internal sealed class MacroParser(LexemeStream stream, ExpressionParser expressions, StatementParser statements)
{
    public MacroNode ParseMacro()
    {
        string name = stream.Expect(LexemeKind.Name, "a macro's name").Text;
        stream.ExpectOperator("(");
        var (parameters, defaults) = ParseSignature();
        return new MacroNode(ParseBody(name, parameters, defaults, "endmacro"));
    }

    public CallBlockNode ParseCallBlock(int line)
    {
        var (parameters, defaults) = stream.SkipOperator("(") ? ParseSignature() : ([], []);
        var call = expressions.Parse() as CallNode ?? throw stream.Fail("a call block needs a call, such as 'name()'");
        return new CallBlockNode(call, ParseBody("caller", parameters, defaults, "endcall"), line);
    }

    private MacroDefinition ParseBody(string name, string[] parameters, Expression?[] defaults, string end)
    {
        var outer = stream.Mentioned;
        stream.Mentioned = SpecialNames.None;
        var body = statements.ParseScoped(end, true);
        var definition = new MacroDefinition(name, parameters, defaults, body, stream.Mentioned);
        stream.Mentioned |= outer;
        return definition;
    }

    /// <summary>Parses parameters up to and with the closing parenthesis.</summary>
    private (string[] Parameters, Expression?[] Defaults) ParseSignature()
    {
        var parameters = new List<string>();
        var defaults = new List<Expression?>();
        while (!stream.SkipOperator(")"))
        {
            if (parameters.Count > 0)
            {
                stream.ExpectOperator(",");
                if (stream.SkipOperator(")"))
                {
                    break;
                }
            }

            var name = stream.Expect(LexemeKind.Name, "a parameter's name");
            if (parameters.Contains(name.Text))
            {
                throw new TemplateSyntaxException($"the parameter '{name.Text}' occurs twice", name.Line);
            }

            bool hasDefault = stream.SkipOperator("=");
            if (!hasDefault && defaults.Count > 0 && defaults[^1] is not null)
            {
                throw new TemplateSyntaxException($"the parameter '{name.Text}' without a default follows one with a default", name.Line);
            }

            parameters.Add(name.Text);
            defaults.Add(hasDefault ? expressions.Parse() : null);
        }

        return ([.. parameters], [.. defaults]);
    }
}
