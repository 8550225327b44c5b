namespace LlmServe.Text.Templates;

/// <summary>A global function, such as <c>range</c>.</summary>
internal sealed class FunctionValue(BuiltIn function) : Value
{
    public override string TypeName => "function";

    public override bool IsCallable => true;

    public string Name => function.Name;

    public override Value Call(RenderContext context, in Arguments arguments) => function.Invoke(context, NoneValue.Instance, arguments);
}

/// <summary>A method of one value, such as <c>text.strip</c>.</summary>
internal sealed class BoundMethod(Value self, BuiltIn method) : Value
{
    public override string TypeName => "method";

    public override bool IsCallable => true;

    public string Name => method.Name;

    public override Value Call(RenderContext context, in Arguments arguments) => method.Invoke(context, self, arguments);
}

/// <summary>The result of <c>cycler(…)</c>.</summary>
internal sealed class CyclerValue(Value[] items) : Value
{
    private int _position;

    public override string TypeName => "Cycler";

    public override Value? GetAttribute(string name) => name switch
    {
        "current" => items[_position],
        "next" => new BoundMethod(this, NextMethod),
        "reset" => new BoundMethod(this, ResetMethod),
        _ => null,
    };

    private static readonly BuiltIn NextMethod = new("next", [], 0, static (_, self, _) => ((CyclerValue)self).MoveOn());

    private static readonly BuiltIn ResetMethod = new("reset", [], 0, static (_, self, _) =>
    {
        ((CyclerValue)self)._position = 0;
        return NoneValue.Instance;
    });

    private Value MoveOn()
    {
        var item = items[_position];
        _position = (_position + 1) % items.Length;
        return item;
    }
}

/// <summary>The result of <c>joiner(separator)</c>: nothing on the first call, the separator on any other.</summary>
internal sealed class JoinerValue(Value separator) : Value
{
    private bool _used;

    public override string TypeName => "Joiner";

    public override bool IsCallable => true;

    public override Value Call(RenderContext context, in Arguments arguments)
    {
        arguments.Bind("joiner", [], 0);
        Value result = _used ? separator : StringValue.Empty;
        _used = true;
        return result;
    }
}
