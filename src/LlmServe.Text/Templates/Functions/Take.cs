using System.Numerics;

namespace LlmServe.Text.Templates;

/// <summary>Reads arguments of filters, tests, methods and functions.</summary>
internal static class Take
{
    /// <summary>An integer, clamped to ±2³¹ − 1, or the fallback where the argument is not given or none.</summary>
    public static int Int(Value? value, int fallback, string name)
    {
        if (value is null or NoneValue)
        {
            return fallback;
        }

        return Operators.TryNumber(value, out var number) && !number.IsFloat
            ? (int)BigInteger.Clamp(number.Integer, -int.MaxValue, int.MaxValue)
            : throw (value as UndefinedValue)?.Fail()
                ?? new TemplateRuntimeException($"the argument '{name}' is a value of type '{value.TypeName}', not an integer");
    }

    /// <summary>A string, or null where the argument is not given or none.</summary>
    public static string? Text(Value? value, string name) => value switch
    {
        null or NoneValue => null,
        StringValue text => text.Text,
        UndefinedValue undefined => throw undefined.Fail(),
        _ => throw new TemplateRuntimeException($"the argument '{name}' is a value of type '{value.TypeName}', not a string"),
    };

    /// <summary>The truth of an argument, or the fallback where it is not given.</summary>
    public static bool Flag(Value? value, bool fallback = false) => value?.IsTrue ?? fallback;

    /// <summary>Where the text of an argument comes from; an argument that is no string is the template's.</summary>
    public static Origin OriginOf(Value? value) => value is StringValue text ? Origin.Mixed(text.Origin) : Origin.Template;

    /// <summary>A part of a string, charged for.</summary>
    public static StringValue Part(RenderContext context, StringValue text, int start, int end)
    {
        context.ChargeText(end - start);
        return text.Slice(start, end);
    }

    /// <summary>A string after a change of its characters, charged for.</summary>
    public static StringValue Changed(RenderContext context, StringValue text, string changed)
    {
        context.ChargeText(changed.Length);
        return text.Changed(changed);
    }

    /// <summary>All items of a value, counted as work.</summary>
    public static List<Value> All(RenderContext context, Value value)
    {
        var items = new List<Value>();
        foreach (var item in value.RequireItems(context))
        {
            context.Step();
            items.Add(item);
        }

        return items;
    }
}
