using System.Globalization;
using System.Numerics;

namespace LlmServe.Constraints.Schemas;

/// <summary>A number of JSON, exactly: <see cref="Unscaled"/> · 10^−<see cref="Scale"/>. Equal values have equal parts.</summary>
internal readonly record struct ExactDecimal : IComparable<ExactDecimal>
{
    private const int LargestExponent = 400;

    private ExactDecimal(BigInteger unscaled, int scale)
    {
        (Unscaled, Scale) = (unscaled, scale);
    }

    /// <summary>The digits with their sign.</summary>
    public BigInteger Unscaled { get; }

    /// <summary>How many of the digits stand behind the point; as few as possible, at least none.</summary>
    public int Scale { get; }

    /// <summary>Whether it is a whole number.</summary>
    public bool IsInteger => Scale == 0;

    /// <summary>Whether it is below zero.</summary>
    public bool IsNegative => Unscaled.Sign < 0;

    /// <summary>The negative.</summary>
    public ExactDecimal Negated => new(-Unscaled, Scale);

    /// <summary>Digits before the point, without leading zeros but at least one; of a number that is not negative.</summary>
    public string IntegerDigits => BigInteger.Divide(Unscaled, BigInteger.Pow(10, Scale)).ToString(CultureInfo.InvariantCulture);

    /// <summary>Digits behind the point, without trailing zeros; of a number that is not negative.</summary>
    public string FractionDigits => Scale == 0
        ? "" : BigInteger.Remainder(Unscaled, BigInteger.Pow(10, Scale)).ToString(CultureInfo.InvariantCulture).PadLeft(Scale, '0');

    /// <summary>A whole number.</summary>
    public static ExactDecimal Of(BigInteger value) => Normalized(value, 0);

    /// <summary>Digits with a point somewhere in them.</summary>
    public static ExactDecimal Of(BigInteger unscaled, int scale) => Normalized(unscaled, scale);

    /// <summary>Reads a number as JSON writes it; false if its exponent is beyond all reason.</summary>
    public static bool TryParse(string json, out ExactDecimal value)
    {
        int mark = json.IndexOfAny(['e', 'E']);
        int exponent = 0;
        string digits = mark < 0 ? json : json[..mark];
        value = default;
        if (digits.Length > 2 * LargestExponent
            || (mark >= 0 && (!int.TryParse(json.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent)
                || Math.Abs(exponent) > LargestExponent)))
        {
            return false;
        }

        int point = digits.IndexOf('.');
        int scale = point < 0 ? 0 : digits.Length - point - 1;
        value = Normalized(BigInteger.Parse(digits.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture), scale - exponent);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(ExactDecimal other)
    {
        int scale = Math.Max(Scale, other.Scale);
        return At(scale).CompareTo(other.At(scale));
    }

    public static bool operator <(ExactDecimal left, ExactDecimal right) => left.CompareTo(right) < 0;

    public static bool operator >(ExactDecimal left, ExactDecimal right) => left.CompareTo(right) > 0;

    public static bool operator <=(ExactDecimal left, ExactDecimal right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ExactDecimal left, ExactDecimal right) => left.CompareTo(right) >= 0;

    /// <summary>Whether it is a whole multiple of a number above zero.</summary>
    public bool IsMultipleOf(ExactDecimal step)
    {
        int scale = Math.Max(Scale, step.Scale);
        return BigInteger.Remainder(At(scale), step.At(scale)).IsZero;
    }

    /// <summary>The least number above zero that is a multiple of two.</summary>
    public static ExactDecimal LeastCommonMultiple(ExactDecimal left, ExactDecimal right)
    {
        int scale = Math.Max(left.Scale, right.Scale);
        var (a, b) = (left.At(scale), right.At(scale));
        return Normalized(a / BigInteger.GreatestCommonDivisor(a, b) * b, scale);
    }

    /// <summary>The digits with so many of them behind the point.</summary>
    public BigInteger At(int scale) => Unscaled * BigInteger.Pow(10, scale - Scale);

    /// <summary>The plain form: no exponent, no needless zeros.</summary>
    public override string ToString()
    {
        if (IsNegative)
        {
            return "-" + Negated;
        }

        return Scale == 0 ? IntegerDigits : IntegerDigits + "." + FractionDigits;
    }

    private static ExactDecimal Normalized(BigInteger unscaled, int scale)
    {
        if (scale < 0)
        {
            return new ExactDecimal(unscaled * BigInteger.Pow(10, -scale), 0);
        }

        while (scale > 0 && (unscaled % 10).IsZero)
        {
            unscaled /= 10;
            scale--;
        }

        return new ExactDecimal(unscaled, scale);
    }
}
