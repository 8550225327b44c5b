using System.Numerics;

namespace LlmServe.Text.Templates;

/// <summary>A number as arithmetic sees it: an exact integer (bools are 0 and 1) or a float.</summary>
internal readonly record struct Number(bool IsFloat, BigInteger Integer, double Float)
{
    public double AsFloat => IsFloat ? Float : (double)Integer;

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
