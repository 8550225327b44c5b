namespace LlmServe.Text.Templates;

/// <summary>Parses a template's text, outputs and statements; loops and macros are left to their own parsers.</summary>
internal sealed class StatementParser
{
    private readonly LexemeStream _stream;
    private readonly ExpressionParser _expressions;
    private readonly TargetParser _targets;
    private readonly MacroParser _macros;

    public StatementParser(LexemeStream stream)
    {
        _stream = stream;
        _expressions = new ExpressionParser(stream);
        _targets = new TargetParser(stream);
        _macros = new MacroParser(stream, _expressions, this);
    }

    public Block ParseTemplate()
    {
        var body = ParseUntil();
        return _stream.Unknown.Count == 0 ? body : throw _stream.Unknown[0];
    }

    /// <summary>
    /// Parses statements up to <c>{% name %}</c>, of which the name comes next afterwards; without names, up to the end of the template.
    /// </summary>
    public Block ParseUntil(params ReadOnlySpan<string> ends)
    {
        _stream.Enter();
        int line = _stream.Current.Line;
        var statements = new List<Statement>();
        while (true)
        {
            var lexeme = _stream.Take();
            switch (lexeme.Kind)
            {
                case LexemeKind.Data:
                    statements.Add(new DataNode(lexeme.Text));
                    break;
                case LexemeKind.VariableBegin:
                    statements.Add(new OutputNode(_expressions.ParseTuple(), lexeme.Line));
                    _stream.Expect(LexemeKind.VariableEnd, "'}}'");
                    break;
                case LexemeKind.BlockBegin when _stream.Current.Kind == LexemeKind.Name && ends.Contains(_stream.Current.Text):
                    _stream.Leave();
                    return new Block([.. statements]);
                case LexemeKind.BlockBegin:
                    statements.Add(ParseStatement());
                    _stream.Expect(LexemeKind.BlockEnd, "'%}'");
                    break;
                default:
                    _stream.Leave();
                    return ends.IsEmpty ? new Block([.. statements]) : throw MissingEnd(string.Join(" %}' or '{% ", ends.ToArray()), line);
            }
        }
    }

    /// <summary>Parses a body that has a scope of its own, and the name that ends it.</summary>
    /// <param name="end">Name of the tag that ends the body.</param>
    /// <param name="isFunction">Whether the body runs apart from its surroundings, so that it cannot leave a loop around it.</param>
    public Block ParseScoped(string end, bool isFunction)
    {
        var outer = (_stream.IsConditional, _stream.LoopDepth);
        _stream.IsConditional = false;
        _stream.LoopDepth = isFunction ? 0 : _stream.LoopDepth;
        _stream.Expect(LexemeKind.BlockEnd, "'%}'");
        var body = ParseUntil(end);
        _stream.Take();
        (_stream.IsConditional, _stream.LoopDepth) = outer;
        return body;
    }

    private TemplateSyntaxException MissingEnd(string ends, int line) =>
        _stream.Fail($"expected '{{% {ends} %}}' for the block that starts in line {line}, found the end of the template");

    private Statement ParseStatement()
    {
        var keyword = _stream.Expect(LexemeKind.Name, "a statement");
        switch (keyword.Text)
        {
            case "if":
                return ParseIf(keyword.Line);
            case "for":
                return ParseFor(keyword.Line);
            case "set":
                return ParseSet(keyword.Line);
            case "macro":
                return _macros.ParseMacro();
            case "call":
                return _macros.ParseCallBlock(keyword.Line);
            case "filter":
                var filters = _expressions.Primary.ParseFilterChain(new CapturedTextNode());
                return new CaptureNode(null, filters, ParseScoped("endfilter", false), keyword.Line);
            case "with":
                return ParseWith(keyword.Line);
            case "generation":
                return new GenerationNode(ParseScoped("endgeneration", true));
            case "print":
                return new OutputNode(_expressions.ParseTuple(), keyword.Line);
            case "break" or "continue":
                return _stream.LoopDepth > 0 ? new JumpNode(keyword.Text == "break" ? Flow.Break : Flow.Continue)
                    : throw new TemplateSyntaxException($"'{keyword.Text}' stands outside of a loop", keyword.Line);
            case "block" or "extends" or "include" or "import" or "from" or "autoescape" or "do" or "trans":
                throw new TemplateSyntaxException($"the statement '{keyword.Text}' is not supported; a chat template stands alone", keyword.Line);
            case var end when end.StartsWith("end", StringComparison.Ordinal) || end is "else" or "elif":
                throw new TemplateSyntaxException($"'{end}' has no statement that it belongs to", keyword.Line);
            default:
                throw new TemplateSyntaxException($"there is no statement named '{keyword.Text}'", keyword.Line);
        }
    }

    private IfNode ParseIf(int line)
    {
        bool outer = _stream.IsConditional;
        _stream.IsConditional = true;
        var branches = new List<Branch>();
        Block? otherwise = null;
        while (true)
        {
            var condition = _expressions.ParseTuple(allowConditional: false);
            _stream.Expect(LexemeKind.BlockEnd, "'%}'");
            branches.Add(new Branch(condition, ParseUntil("elif", "else", "endif"), line));
            var end = _stream.Take();
            if (end.Text == "else")
            {
                _stream.Expect(LexemeKind.BlockEnd, "'%}'");
                otherwise = ParseUntil("endif");
                _stream.Take();
            }

            if (end.Text != "elif")
            {
                break;
            }

            line = end.Line;
        }

        _stream.IsConditional = outer;
        return new IfNode([.. branches], otherwise);
    }

    private ForNode ParseFor(int line)
    {
        var target = _targets.ParseNames("in");
        if (!_stream.SkipName("in"))
        {
            throw _stream.Unexpected("'in'");
        }

        var source = _expressions.ParseTuple(allowConditional: false, endName: "recursive");
        bool outer = _stream.IsConditional;
        _stream.IsConditional = false;
        var filter = _stream.SkipName("if") ? _expressions.Parse() : null;
        bool isRecursive = _stream.SkipName("recursive");
        _stream.Expect(LexemeKind.BlockEnd, "'%}'");
        _stream.LoopDepth++;
        var body = ParseUntil("endfor", "else");
        _stream.LoopDepth--;
        Block? otherwise = null;
        if (_stream.Take().Text == "else")
        {
            _stream.Expect(LexemeKind.BlockEnd, "'%}'");
            otherwise = ParseUntil("endfor");
            _stream.Take();
        }

        _stream.IsConditional = outer;
        return new ForNode(target, source, filter, isRecursive, body, otherwise, line);
    }

    private Statement ParseSet(int line)
    {
        var target = _targets.ParseSetTarget();
        if (_stream.SkipOperator("="))
        {
            return new SetNode(target, _expressions.ParseTuple(), line);
        }

        var filters = _stream.SkipOperator("|") ? _expressions.Primary.ParseFilterChain(new CapturedTextNode()) : null;
        if (_stream.Current.Kind != LexemeKind.BlockEnd)
        {
            throw _stream.Unexpected("'=', '|' or '%}'");
        }

        return new CaptureNode(target, filters, ParseScoped("endset", false), line);
    }

    private WithNode ParseWith(int line)
    {
        var assignments = new List<KeyValuePair<AssignmentTarget, Expression>>();
        while (_stream.Current.Kind != LexemeKind.BlockEnd)
        {
            if (assignments.Count > 0)
            {
                _stream.ExpectOperator(",");
            }

            var target = _targets.ParseNames();
            _stream.ExpectOperator("=");
            assignments.Add(new(target, _expressions.Parse()));
        }

        return new WithNode([.. assignments], ParseScoped("endwith", false), line);
    }
}
