namespace LlmServe.Text.Templates;

/// <summary>The arguments of a call as they are written, with <c>*list</c> and <c>**dict</c>.</summary>
internal sealed class ArgumentList(
    Expression[] positional, KeyValuePair<StringValue, Expression>[] named, Expression? extraPositional, Expression? extraNamed)
{
    public static readonly ArgumentList None = new([], [], null, null);

    public IEnumerable<Expression?> Children => [.. positional, .. named.Select(pair => pair.Value), extraPositional, extraNamed];

    public Arguments Evaluate(RenderContext context)
    {
        if (positional.Length == 0 && named.Length == 0 && extraPositional is null && extraNamed is null)
        {
            return Arguments.None;
        }

        Value[] values = positional.Length == 0 ? [] : Array.ConvertAll(positional, item => item.Evaluate(context));
        NamedArgument[] pairs = named.Length == 0
            ? [] : Array.ConvertAll(named, pair => new NamedArgument(pair.Key, pair.Value.Evaluate(context)));
        if (extraPositional is not null)
        {
            values = [.. values, .. Counted(context, extraPositional.Evaluate(context).RequireItems(context))];
        }

        if (extraNamed is not null)
        {
            pairs = [.. pairs, .. Pairs(context, extraNamed.Evaluate(context))];
        }

        return new Arguments(values, pairs);
    }

    private static IEnumerable<Value> Counted(RenderContext context, IEnumerable<Value> items)
    {
        foreach (var item in items)
        {
            context.Step();
            yield return item;
        }
    }

    private static IEnumerable<NamedArgument> Pairs(RenderContext context, Value value)
    {
        var dict = value as DictValue ?? throw new TemplateRuntimeException($"the argument after '**' is a value of type '{value.TypeName}', not a dict");
        context.Step(dict.Entries.Length);
        return dict.Entries.Select(entry => entry.Key is StringValue name
            ? new NamedArgument(name, entry.Value) : throw new TemplateRuntimeException("the dict after '**' has a key that is no string"));
    }
}

/// <summary><c>f(…)</c>.</summary>
internal sealed class CallNode(Expression callee, ArgumentList arguments, int line) : Expression(DepthOf([callee, .. arguments.Children]))
{
    private static readonly StringValue CallerName = StringValue.Of("caller");

    public override Value Evaluate(RenderContext context) => Call(context, null);

    /// <summary>Makes the call, with the body of a call block as the argument <c>caller</c>.</summary>
    public Value Call(RenderContext context, MacroValue? caller)
    {
        var function = callee.Evaluate(context);
        var given = arguments.Evaluate(context);
        context.Step();
        context.Line = line;
        if (caller is not null)
        {
            given = new Arguments(given.Positional, [.. given.Named, new(CallerName, caller)]);
        }

        return function.Call(context, given);
    }
}

/// <summary><c>value|name(…)</c>. A name that no filter has is an error of the branch that uses it.</summary>
internal sealed class FilterNode(Expression value, string name, BuiltIn? filter, ArgumentList arguments)
    : Expression(DepthOf([value, .. arguments.Children]))
{
    public override Value Evaluate(RenderContext context) =>
        (filter ?? throw Filters.Unknown(name)).Invoke(context, value.Evaluate(context), arguments.Evaluate(context));
}

/// <summary><c>value is name(…)</c>.</summary>
internal sealed class TestNode(Expression value, string name, BuiltIn? test, ArgumentList arguments)
    : Expression(DepthOf([value, .. arguments.Children]))
{
    public override Value Evaluate(RenderContext context) =>
        (test ?? throw Tests.Unknown(name)).Invoke(context, value.Evaluate(context), arguments.Evaluate(context));
}

/// <summary>The text that a filter block hands to its first filter.</summary>
internal sealed class CapturedTextNode : Expression
{
    /// <summary>The name under which a filter block keeps its text: no template can write it.</summary>
    public const string Variable = "filter block";

    public override Value Evaluate(RenderContext context) => context.Lookup(Variable);
}
