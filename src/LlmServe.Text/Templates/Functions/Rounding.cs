using System.Globalization;
using System.Numerics;

namespace LlmServe.Text.Templates;

/// <summary>Python's <c>round</c>: to the nearest, and to the even one of two that are equally near.</summary>
internal static class Rounding
{
    public static double HalfEven(double value, int precision)
    {
        if (!double.IsFinite(value) || precision > 22 + 308)
        {
            return value;
        }

        if (precision < -308)
        {
            return Math.CopySign(0, value);
        }

        if (precision <= 0)
        {
            double scale = Math.Pow(10, -precision);
            return Math.Round(value / scale, MidpointRounding.ToEven) * scale;
        }

        // The exact binary value decides, so its digits are written out; more than 1074 there never are.
        string exact = value.ToString("F1074", CultureInfo.InvariantCulture);
        int end = exact.IndexOf('.') + 1 + precision;
        string kept = exact[..end];
        var digits = BigInteger.Parse(kept.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        var rest = exact.AsSpan(end);
        bool isTie = rest.Length > 0 && rest[0] == '5' && !rest[1..].ContainsAnyExcept('0');
        bool roundsUp = rest.Length > 0 && rest[0] >= '5' && (!isTie || !digits.IsEven);
        digits += roundsUp ? value < 0 ? -1 : 1 : 0;
        return double.Parse($"{digits}e-{precision}", NumberStyles.Float, CultureInfo.InvariantCulture) is var result && result == 0
            ? Math.CopySign(0, value) : result;
    }

    public static BigInteger HalfEven(BigInteger value, int precision)
    {
        // Beyond the longest integer everything rounds to zero.
        if (precision < -4400)
        {
            return 0;
        }

        var scale = BigInteger.Pow(10, -precision);
        var quotient = BigInteger.DivRem(BigInteger.Abs(value), scale, out var remainder);
        int half = (remainder * 2).CompareTo(scale);
        quotient += half > 0 || (half == 0 && !quotient.IsEven) ? 1 : 0;
        return quotient * scale * value.Sign;
    }
}
