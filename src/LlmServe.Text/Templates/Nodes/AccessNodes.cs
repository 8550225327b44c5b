using System.Numerics;

namespace LlmServe.Text.Templates;

/// <summary><c>a.b</c>: the object's attribute, else its item.</summary>
internal sealed class AttributeNode(Expression owner, string name) : Expression(owner.Depth)
{
    private readonly StringValue _key = StringValue.Of(name);

    public override Value Evaluate(RenderContext context)
    {
        var value = owner.Evaluate(context);
        context.Step();
        return Members.Attribute(context, value, name, _key);
    }
}

/// <summary><c>a[b]</c>: the object's item, else its attribute.</summary>
internal sealed class ItemNode(Expression owner, Expression key) : Expression(DepthOf([owner, key]))
{
    public override Value Evaluate(RenderContext context)
    {
        var value = owner.Evaluate(context);
        context.Step();
        return Members.Item(context, value, key.Evaluate(context));
    }
}

/// <summary><c>a[start:stop:step]</c>.</summary>
internal sealed class SliceNode(Expression owner, Expression? start, Expression? stop, Expression? step)
    : Expression(DepthOf([owner, start, stop, step]))
{
    public override Value Evaluate(RenderContext context)
    {
        var value = owner.Evaluate(context);
        context.Step();
        var bounds = new SliceBounds(Bound(context, start), Bound(context, stop), Bound(context, step) ?? 1);
        if (bounds.Step == 0)
        {
            throw new TemplateRuntimeException("the step of a slice is zero");
        }

        return value.GetSlice(context, bounds) ?? throw new TemplateRuntimeException($"a value of type '{value.TypeName}' cannot be sliced");
    }

    private static int? Bound(RenderContext context, Expression? expression)
    {
        var value = expression?.Evaluate(context);
        if (value is null or NoneValue)
        {
            return null;
        }

        if (!Operators.TryNumber(value, out var number) || number.IsFloat)
        {
            throw (value as UndefinedValue)?.Fail()
                ?? new TemplateRuntimeException($"the bound of a slice is a value of type '{value.TypeName}', not an integer");
        }

        // Clamped to what any sequence can hold; a step of int.MinValue could not be negated.
        return (int)BigInteger.Clamp(number.Integer, -int.MaxValue, int.MaxValue);
    }
}

/// <summary>The two ways to get at a part of a value.</summary>
internal static class Members
{
    // Attributes that every Python object has: the sandbox hides them, even behind a dict's key of that name.
    private static readonly HashSet<string> Hidden =
    [
        "__class__", "__delattr__", "__dict__", "__dir__", "__doc__", "__eq__", "__format__", "__ge__", "__getattribute__", "__getstate__", "__gt__",
        "__hash__", "__init__", "__init_subclass__", "__le__", "__lt__", "__ne__", "__new__", "__reduce__", "__reduce_ex__", "__repr__",
        "__setattr__", "__sizeof__", "__str__", "__subclasshook__",
    ];

    /// <summary><c>a.b</c>.</summary>
    public static Value Attribute(RenderContext context, Value owner, string name, StringValue key)
    {
        if (owner is UndefinedValue undefined)
        {
            throw undefined.Fail();
        }

        if (name.StartsWith("__", StringComparison.Ordinal) && Hidden.Contains(name))
        {
            return UndefinedValue.Because($"the attribute '{name}' is not open to templates");
        }

        return owner.GetAttribute(name) ?? Find(context, owner, key) ?? UndefinedValue.Member(owner, name);
    }

    /// <summary><c>a[b]</c>.</summary>
    public static Value Item(RenderContext context, Value owner, Value key)
    {
        if (owner is UndefinedValue undefined)
        {
            throw undefined.Fail();
        }

        if (key is not StringValue name)
        {
            return owner.GetItem(context, key) ?? UndefinedValue.Member(owner, PythonFormat.Str(context, key).Text);
        }

        context.Step(name.Text.Length >> 8);
        return Find(context, owner, name) ?? owner.GetAttribute(name.Text) ?? UndefinedValue.Member(owner, name.Text);
    }

    private static Value? Find(RenderContext context, Value owner, StringValue key) =>
        owner is DictValue dict ? dict.Find(key.Text) : owner.GetItem(context, key);
}
