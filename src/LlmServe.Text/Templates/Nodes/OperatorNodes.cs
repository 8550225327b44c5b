namespace LlmServe.Text.Templates;

/// <summary>Operators of one rank in a row, applied from the left: a long sum is one node and costs no recursion.</summary>
internal sealed class ArithmeticNode(Expression first, KeyValuePair<string, Expression>[] rest)
    : Expression(DepthOf(rest.Select(part => part.Value).Prepend(first)))
{
    public override Value Evaluate(RenderContext context)
    {
        var value = first.Evaluate(context);
        foreach (var (sign, operand) in rest)
        {
            value = Operators.Apply(context, sign, value, operand.Evaluate(context));
        }

        return value;
    }
}

/// <summary><c>-a</c> or <c>+a</c>.</summary>
internal sealed class SignNode(Expression operand, bool isMinus) : Expression(operand.Depth)
{
    public override Value Evaluate(RenderContext context) => Operators.Negate(operand.Evaluate(context), isMinus);
}

/// <summary><c>a ~ b ~ c</c>: the texts joined, without any escaping.</summary>
internal sealed class ConcatenationNode(Expression[] parts) : Expression(DepthOf(parts))
{
    public override Value Evaluate(RenderContext context)
    {
        var text = new TextBuilder();
        foreach (var part in parts)
        {
            var piece = PythonFormat.Str(context, part.Evaluate(context));
            context.ChargeText(piece.Text.Length);
            text.Append(piece);
        }

        return text.ToValue();
    }
}

/// <summary><c>a and b and c</c>: the first falsy value, else the last.</summary>
internal sealed class AndNode(Expression[] operands) : Expression(DepthOf(operands))
{
    public override Value Evaluate(RenderContext context)
    {
        Value value = BoolValue.True;
        foreach (var operand in operands)
        {
            value = operand.Evaluate(context);
            if (!value.IsTrue)
            {
                break;
            }
        }

        return value;
    }
}

/// <summary><c>a or b or c</c>: the first truthy value, else the last.</summary>
internal sealed class OrNode(Expression[] operands) : Expression(DepthOf(operands))
{
    public override Value Evaluate(RenderContext context)
    {
        Value value = BoolValue.False;
        foreach (var operand in operands)
        {
            value = operand.Evaluate(context);
            if (value.IsTrue)
            {
                break;
            }
        }

        return value;
    }
}

/// <summary><c>not a</c>.</summary>
internal sealed class NotNode(Expression operand) : Expression(operand.Depth)
{
    public override Value Evaluate(RenderContext context) => BoolValue.Of(!operand.Evaluate(context).IsTrue);
}

/// <summary><c>a &lt; b &lt; c</c>: every neighbouring pair compared, up to the first that does not hold.</summary>
internal sealed class ComparisonNode(Expression first, KeyValuePair<string, Expression>[] rest)
    : Expression(DepthOf(rest.Select(part => part.Value).Prepend(first)))
{
    public override Value Evaluate(RenderContext context)
    {
        var left = first.Evaluate(context);
        foreach (var (sign, operand) in rest)
        {
            var right = operand.Evaluate(context);
            context.Step();
            if (!Holds(context, sign, left, right))
            {
                return BoolValue.False;
            }

            left = right;
        }

        return BoolValue.True;
    }

    public static bool Holds(RenderContext context, string sign, Value left, Value right) => sign switch
    {
        "==" => Comparison.AreEqual(context, left, right),
        "!=" => !Comparison.AreEqual(context, left, right),
        "in" => Comparison.Contains(context, right, left),
        "not in" => !Comparison.Contains(context, right, left),
        "<" => Comparison.Order(context, left, right, sign) < 0,
        "<=" => Comparison.Order(context, left, right, sign) <= 0,
        ">" => Comparison.Order(context, left, right, sign) > 0,
        _ => Comparison.Order(context, left, right, sign) >= 0,
    };
}

/// <summary><c>a if condition else b</c>.</summary>
internal sealed class ConditionalNode(Expression condition, Expression whenTrue, Expression? whenFalse)
    : Expression(DepthOf([condition, whenTrue, whenFalse]))
{
    public override Value Evaluate(RenderContext context) => condition.Evaluate(context).IsTrue
        ? whenTrue.Evaluate(context)
        : whenFalse?.Evaluate(context) ?? UndefinedValue.Because("an inline 'if' without 'else' has no value here");
}
