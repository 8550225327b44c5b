using System.Numerics;

namespace LlmServe.Text.Templates;

/// <summary>Python's arithmetic on numbers: exact integers, floors towards minus infinity, a remainder with the divisor's sign.</summary>
internal static class Arithmetic
{
    public static Value Apply(RenderContext context, string sign, Number a, Number b)
    {
        if ((sign is "/" or "//" or "%") && b.IsZero)
        {
            throw new TemplateRuntimeException("division by zero");
        }

        if (sign == "**")
        {
            return Power(a, b);
        }

        if (sign == "/")
        {
            return new FloatValue(a.IsFloat || b.IsFloat ? a.AsFloat / b.AsFloat : Number.Quotient(a.Integer, b.Integer));
        }

        return a.IsFloat || b.IsFloat ? new FloatValue(ApplyFloats(sign, a.AsFloat, b.AsFloat)) : ApplyIntegers(context, sign, a.Integer, b.Integer);
    }

    private static IntValue ApplyIntegers(RenderContext context, string sign, BigInteger a, BigInteger b)
    {
        long bits = a.GetBitLength() + b.GetBitLength();
        context.Step(bits >> 8);
        return Checked(sign switch
        {
            "+" => a + b,
            "-" => a - b,
            "*" => bits <= 2 * IntValue.MaxBits ? a * b : throw TooLong(),
            "//" => FloorDivide(a, b),
            _ => a - (FloorDivide(a, b) * b),
        });
    }

    private static double ApplyFloats(string sign, double a, double b) => sign switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "//" => Math.Floor(((a - FloorRemainder(a, b)) / b) + 0.5),
        _ => FloorRemainder(a, b),
    };

    private static double FloorRemainder(double a, double b)
    {
        double remainder = a % b;
        return remainder == 0 ? Math.CopySign(0, b) : (remainder < 0) != (b < 0) ? remainder + b : remainder;
    }

    private static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        var quotient = BigInteger.DivRem(a, b, out var remainder);
        return !remainder.IsZero && (remainder.Sign < 0) != (b.Sign < 0) ? quotient - 1 : quotient;
    }

    private static Value Power(Number a, Number b)
    {
        if (!a.IsFloat && !b.IsFloat && b.Integer.Sign >= 0)
        {
            double bits = (double)a.Integer.GetBitLength() * (double)b.Integer;
            return a.Integer.IsOne || a.Integer.IsZero || bits <= IntValue.MaxBits
                ? Checked(BigInteger.Pow(a.Integer, (int)BigInteger.Min(b.Integer, IntValue.MaxBits)))
                : throw TooLong();
        }

        if (a.IsZero && b.AsFloat < 0)
        {
            throw new TemplateRuntimeException("zero cannot be raised to a negative power");
        }

        double result = Math.Pow(a.AsFloat, b.AsFloat);
        return double.IsNaN(result) && !double.IsNaN(a.AsFloat) && !double.IsNaN(b.AsFloat)
            ? throw new TemplateRuntimeException("a power of a negative number by a fraction is no real number")
            : new FloatValue(result);
    }

    private static IntValue Checked(BigInteger value) => value.GetBitLength() <= IntValue.MaxBits ? IntValue.Of(value) : throw TooLong();

    private static TemplateRuntimeException TooLong() => new($"an integer grows beyond {IntValue.MaxBits} bits");
}
