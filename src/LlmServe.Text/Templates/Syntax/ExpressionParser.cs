namespace LlmServe.Text.Templates;

/// <summary>Parses expressions by precedence, from the inline <c>if</c> down to signs; <see cref="PrimaryParser"/> does the rest.</summary>
internal sealed class ExpressionParser
{
    private static readonly HashSet<string> Comparisons = ["==", "!=", "<", "<=", ">", ">="];

    private readonly LexemeStream _stream;
    private readonly PrimaryParser _primary;

    public ExpressionParser(LexemeStream stream)
    {
        _stream = stream;
        _primary = new PrimaryParser(stream, this);
    }

    public PrimaryParser Primary => _primary;

    /// <summary>Parses one expression.</summary>
    /// <param name="allowConditional">Whether an inline <c>if</c> may follow; not so where a statement has an <c>if</c> of its own.</param>
    public Expression Parse(bool allowConditional = true)
    {
        _stream.Enter();
        var result = allowConditional ? ParseConditional() : ParseOr();
        _stream.Leave();
        return result;
    }

    /// <summary>Parses an expression or, with commas, a tuple without parentheses.</summary>
    public Expression ParseTuple(bool allowConditional = true, string? endName = null)
    {
        var first = Parse(allowConditional);
        if (!_stream.IsOperator(","))
        {
            return first;
        }

        var items = new List<Expression> { first };
        while (_stream.SkipOperator(","))
        {
            if (_stream.Current.Kind is LexemeKind.BlockEnd or LexemeKind.VariableEnd || _stream.IsOperator(")")
                || (endName is not null && _stream.IsName(endName)))
            {
                break;
            }

            items.Add(Parse(allowConditional));
        }

        return _stream.Checked(new TupleNode([.. items]));
    }

    private Expression ParseConditional()
    {
        int known = _stream.Unknown.Count;
        var value = ParseOr();
        while (_stream.SkipName("if"))
        {
            var condition = ParseOr();
            Expression? otherwise = null;
            if (_stream.SkipName("else"))
            {
                _stream.Enter();
                otherwise = ParseConditional();
                _stream.Leave();
            }

            value = _stream.Checked(new ConditionalNode(condition, value, otherwise));
            _stream.Unknown.RemoveRange(known, _stream.Unknown.Count - known);
        }

        return value;
    }

    private Expression ParseOr()
    {
        var operands = ParseJoined("or", ParseAnd);
        return operands.Length == 1 ? operands[0] : _stream.Checked(new OrNode(operands));
    }

    private Expression ParseAnd()
    {
        var operands = ParseJoined("and", ParseNot);
        return operands.Length == 1 ? operands[0] : _stream.Checked(new AndNode(operands));
    }

    private Expression[] ParseJoined(string word, Func<Expression> parse)
    {
        var first = parse();
        if (!_stream.IsName(word))
        {
            return [first];
        }

        var operands = new List<Expression> { first };
        while (_stream.SkipName(word))
        {
            operands.Add(parse());
        }

        return [.. operands];
    }

    private Expression ParseNot()
    {
        if (!_stream.SkipName("not"))
        {
            return ParseComparison();
        }

        _stream.Enter();
        var operand = ParseNot();
        _stream.Leave();
        return _stream.Checked(new NotNode(operand));
    }

    private Expression ParseComparison()
    {
        var first = ParseSum();
        List<KeyValuePair<string, Expression>>? rest = null;
        while (TakeComparison() is { } sign)
        {
            (rest ??= []).Add(new(sign, ParseSum()));
        }

        return rest is null ? first : _stream.Checked(new ComparisonNode(first, [.. rest]));
    }

    private string? TakeComparison()
    {
        if (_stream.Current.Kind == LexemeKind.Operator)
        {
            return Comparisons.Contains(_stream.Current.Text) ? _stream.Take().Text : null;
        }

        if (_stream.SkipName("in"))
        {
            return "in";
        }

        if (_stream.IsName("not") && _stream.Next is { Kind: LexemeKind.Name, Text: "in" })
        {
            _stream.Take();
            _stream.Take();
            return "not in";
        }

        return null;
    }

    private Expression ParseSum() => ParseChain(ParseConcatenation, static sign => sign is "+" or "-");

    private Expression ParseConcatenation()
    {
        var first = ParseProduct();
        if (!_stream.IsOperator("~"))
        {
            return first;
        }

        var parts = new List<Expression> { first };
        while (_stream.SkipOperator("~"))
        {
            parts.Add(ParseProduct());
        }

        return _stream.Checked(new ConcatenationNode([.. parts]));
    }

    private Expression ParseProduct() => ParseChain(ParsePower, static sign => sign is "*" or "/" or "//" or "%");

    // Unlike Python, templates apply powers from the left.
    private Expression ParsePower() => ParseChain(ParseSigned, static sign => sign is "**");

    private Expression ParseChain(Func<Expression> parseOperand, Func<string, bool> isSign)
    {
        var first = parseOperand();
        List<KeyValuePair<string, Expression>>? rest = null;
        while (_stream.Current.Kind == LexemeKind.Operator && isSign(_stream.Current.Text))
        {
            string sign = _stream.Take().Text;
            (rest ??= []).Add(new(sign, parseOperand()));
        }

        return rest is null ? first : _stream.Checked(new ArithmeticNode(first, [.. rest]));
    }

    private Expression ParseSigned() => ParseUnary(true);

    private Expression ParseUnary(bool withFilters)
    {
        Expression value;
        if (_stream.IsOperator("-") || _stream.IsOperator("+"))
        {
            bool isMinus = _stream.Take().Text == "-";
            _stream.Enter();
            value = _stream.Checked(new SignNode(ParseUnary(false), isMinus));
            _stream.Leave();
        }
        else
        {
            value = _primary.Parse();
        }

        value = _primary.ParsePostfix(value);
        return withFilters ? _primary.ParseFilters(value) : value;
    }
}
