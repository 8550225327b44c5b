using System.Numerics;

namespace LlmServe.Text.Templates;

/// <summary>A number as arithmetic sees it: an exact integer (bools are 0 and 1) or a float.</summary>
internal readonly record struct Number(bool IsFloat, BigInteger Integer, double Float)
{
    /// <summary>The nearest float.</summary>
    /// <exception cref="TemplateRuntimeException">The integer is larger than any float.</exception>
    public double AsFloat => IsFloat ? Float : Quotient(Integer, BigInteger.One);

    public bool IsZero => IsFloat ? Float == 0 : Integer.IsZero;

    /// <summary>Exact order, also between integers and floats; null where one is NaN.</summary>
    public int? CompareTo(Number other)
    {
        if (!IsFloat && !other.IsFloat)
        {
            return Integer.CompareTo(other.Integer);
        }

        if (IsFloat && other.IsFloat)
        {
            return double.IsNaN(Float) || double.IsNaN(other.Float) ? null : Float.CompareTo(other.Float);
        }

        return IsFloat ? -CompareIntegerToFloat(other.Integer, Float) : CompareIntegerToFloat(Integer, other.Float);
    }

    public override int GetHashCode() => IsFloat
        ? double.IsFinite(Float) && Float == Math.Floor(Float) ? new BigInteger(Float).GetHashCode() : Float.GetHashCode()
        : Integer.GetHashCode();

    /// <summary>The float that is nearest to <c>a / b</c>.</summary>
    public static double Quotient(BigInteger a, BigInteger b)
    {
        const long Exact = 1L << 53;
        if (a >= -Exact && a <= Exact && b >= -Exact && b <= Exact)
        {
            return (double)(long)a / (long)b;
        }

        // 62 or 63 bits of the quotient, the lowest of which also stands for all that fall off, round as the whole would.
        int shift = (int)(62 - (BigInteger.Abs(a).GetBitLength() - BigInteger.Abs(b).GetBitLength()));
        var dividend = BigInteger.Abs(a) << Math.Max(0, shift);
        var divisor = BigInteger.Abs(b) << Math.Max(0, -shift);
        var quotient = BigInteger.DivRem(dividend, divisor, out var rest);
        long bits = (long)quotient | (rest.IsZero ? 0L : 1L);
        double result = Math.ScaleB(bits, -shift);
        return double.IsFinite(result)
            ? a.Sign * b.Sign < 0 ? -result : result
            : throw new TemplateRuntimeException("an integer is too large for a float");
    }

    private static int? CompareIntegerToFloat(BigInteger integer, double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? null : double.IsPositiveInfinity(value) ? -1 : 1;
        }

        double floor = Math.Floor(value);
        int order = integer.CompareTo(new BigInteger(floor));
        return order == 0 && floor != value ? -1 : order;
    }
}
