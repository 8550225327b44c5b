using System.Numerics;

namespace LlmServe.Text.Templates;

/// <summary>Python's arithmetic and indexes.</summary>
internal static class Operators
{
    public static bool TryNumber(Value value, out Number number)
    {
        number = value switch
        {
            IntValue integer => new Number(false, integer.Number, 0),
            FloatValue real => new Number(true, default, real.Number),
            BoolValue flag => new Number(false, flag.IsTrue ? BigInteger.One : BigInteger.Zero, 0),
            _ => default,
        };
        return value is IntValue or FloatValue or BoolValue;
    }

    /// <summary>Makes an index of a key: an integer, from the end where it is negative, and inside the sequence.</summary>
    public static bool TryIndex(Value key, int length, out int index)
    {
        index = -1;
        if (TryNumber(key, out var number) && !number.IsFloat && number.Integer >= -length && number.Integer < length)
        {
            index = (int)number.Integer;
            index = index < 0 ? index + length : index;
            return true;
        }

        return false;
    }

    public static Value Apply(RenderContext context, string sign, Value a, Value b)
    {
        context.Step();
        if (sign == "%" && a is StringValue format)
        {
            return PercentFormat.Format(context, format, b);
        }

        if (a is UndefinedValue || b is UndefinedValue)
        {
            throw ((a as UndefinedValue) ?? (UndefinedValue)b).Fail();
        }

        if (TryNumber(a, out var x) && TryNumber(b, out var y))
        {
            return Arithmetic.Apply(context, sign, x, y);
        }

        Value? result = sign switch
        {
            "+" => Add(context, a, b),
            "*" => Repeat(context, a, b) ?? Repeat(context, b, a),
            _ => null,
        };
        return result ?? throw new TemplateRuntimeException($"'{sign}' has no meaning between values of the types '{a.TypeName}' and '{b.TypeName}'");
    }

    public static Value Negate(Value value, bool isMinus)
    {
        if (!TryNumber(value, out var number))
        {
            throw (value as UndefinedValue)?.Fail() ?? new TemplateRuntimeException($"a sign has no meaning before a value of type '{value.TypeName}'");
        }

        return number.IsFloat ? new FloatValue(isMinus ? -number.Float : number.Float) : IntValue.Of(isMinus ? -number.Integer : number.Integer);
    }

    private static Value? Add(RenderContext context, Value a, Value b)
    {
        switch (a, b)
        {
            case (StringValue x, StringValue y):
                bool isSafe = x.IsSafe || y.IsSafe;
                var left = isSafe ? Html.Escape(context, x) : x;
                var right = isSafe ? Html.Escape(context, y) : y;
                context.ChargeText((long)left.Text.Length + right.Text.Length);
                return Joined(left, right, isSafe);
            case (SequenceValue x, SequenceValue y) when x.GetType() == y.GetType():
                context.Step((long)x.Elements.Length + y.Elements.Length);
                return x.Like(context, [.. x.Elements, .. y.Elements]);
            default:
                return null;
        }
    }

    private static Value? Repeat(RenderContext context, Value value, Value times)
    {
        if (!TryNumber(times, out var number) || number.IsFloat)
        {
            return null;
        }

        // Beyond the limits the exact count does not matter: charging for it throws.
        int count = (int)BigInteger.Max(0, BigInteger.Min(number.Integer, int.MaxValue));
        switch (value)
        {
            case StringValue text:
                context.ChargeText((long)text.Text.Length * count);
                return new StringValue(RepeatText(text.Text, count), Origin.Mixed(text.Origin), text.IsSafe);
            case SequenceValue sequence:
                context.Step((long)sequence.Elements.Length * count);
                var items = new Value[sequence.Elements.Length * count];
                for (int i = 0; i < items.Length; i++)
                {
                    items[i] = sequence.Elements[i % sequence.Elements.Length];
                }

                return sequence.Like(context, items);
            default:
                return null;
        }
    }

    private static StringValue Joined(StringValue left, StringValue right, bool isSafe) => left.Origin.IsTemplate && right.Origin.IsTemplate
        ? new StringValue(left.Text + right.Text, Origin.Template, isSafe)
        : new TextBuilder(left.Text.Length + right.Text.Length).Append(left).Append(right).ToValue(isSafe);

    private static string RepeatText(string text, int count) => string.Create(text.Length * count, text, static (target, part) =>
    {
        for (int i = 0; i < target.Length; i += part.Length)
        {
            part.CopyTo(target[i..]);
        }
    });
}
