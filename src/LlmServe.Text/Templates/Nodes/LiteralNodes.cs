namespace LlmServe.Text.Templates;

/// <summary>A string, number, bool or none.</summary>
internal sealed class ConstantNode(Value value) : Expression
{
    public Value Value => value;

    public override Value Evaluate(RenderContext context) => value;
}

/// <summary>A variable.</summary>
internal sealed class NameNode(string name) : Expression
{
    public string Name => name;

    public override Value Evaluate(RenderContext context) => context.Lookup(name);
}

/// <summary><c>[a, b]</c>.</summary>
internal sealed class ListNode(Expression[] items) : Expression(DepthOf(items))
{
    public override Value Evaluate(RenderContext context) => new ListValue(context, Array.ConvertAll(items, item => item.Evaluate(context)));
}

/// <summary><c>a, b</c>, in parentheses or bare where the syntax allows that.</summary>
internal sealed class TupleNode(Expression[] items) : Expression(DepthOf(items))
{
    public Expression[] Elements => items;

    public override Value Evaluate(RenderContext context) => new TupleValue(context, Array.ConvertAll(items, item => item.Evaluate(context)));
}

/// <summary><c>{a: b}</c>.</summary>
internal sealed class DictNode(KeyValuePair<Expression, Expression>[] pairs)
    : Expression(DepthOf(pairs.SelectMany(pair => new[] { pair.Key, pair.Value })))
{
    public override Value Evaluate(RenderContext context)
    {
        var entries = new List<KeyValuePair<Value, Value>>(pairs.Length);
        foreach (var (key, value) in pairs)
        {
            var name = key.Evaluate(context);
            Comparison.RequireHashable(name);
            entries.Add(new(name, value.Evaluate(context)));
        }

        return new DictValue(context, entries);
    }
}
