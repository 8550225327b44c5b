using System.Numerics;

namespace LlmServe.Execution.Numerics;

/// <summary>
/// Fixed-point numbers with 320 fraction bits, for the few values that must be rounded correctly whatever a platform's library does.
/// Slow; used for tables only.
/// </summary>
internal static class FixedPoint
{
    /// <summary>Fraction bits.</summary>
    public const int Bits = 320;

    public static readonly BigInteger One = BigInteger.One << Bits;

    /// <summary>π by Machin's formula.</summary>
    public static readonly BigInteger Pi = 4 * ((4 * InverseArcTangent(5)) - InverseArcTangent(239));

    /// <summary>ln 2.</summary>
    public static readonly BigInteger Ln2 = 2 * AtanhSeries(One / 3);

    /// <summary>The exact value of a finite double, cut at 320 fraction bits.</summary>
    public static BigInteger FromDouble(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)((bits >> 52) & 0x7ff);
        long mantissa = bits & 0xfffffffffffff;
        mantissa = exponent == 0 ? mantissa : mantissa | (1L << 52);
        int shift = Bits + Math.Max(exponent, 1) - 1075;
        BigInteger result = shift >= 0 ? (BigInteger)mantissa << shift : (BigInteger)mantissa >> -shift;
        return bits < 0 ? -result : result;
    }

    /// <summary>Rounds to the nearest number with <paramref name="precision"/> significant bits (53 or 24), ties to even.</summary>
    public static double Round(BigInteger value, int precision)
    {
        if (value.IsZero)
        {
            return 0;
        }

        var magnitude = BigInteger.Abs(value);
        int length = (int)magnitude.GetBitLength();
        int drop = length - precision;
        BigInteger mantissa = magnitude;
        if (drop > 0)
        {
            mantissa = magnitude >> drop;
            var rest = magnitude - (mantissa << drop);
            int side = rest.CompareTo(BigInteger.One << (drop - 1));
            if (side > 0 || (side == 0 && !mantissa.IsEven))
            {
                mantissa++;
            }
        }
        else
        {
            drop = 0;
        }

        double result = Math.ScaleB((double)mantissa, drop - Bits);
        return value.Sign < 0 ? -result : result;
    }

    /// <summary>Natural logarithm of a positive number.</summary>
    public static BigInteger Log(BigInteger value)
    {
        int exponent = (int)value.GetBitLength() - 1 - Bits;
        BigInteger mantissa = exponent >= 0 ? value >> exponent : value << -exponent;
        return (2 * AtanhSeries(Divide(mantissa - One, mantissa + One))) + (exponent * Ln2);
    }

    /// <summary>e to the power of a number of moderate size.</summary>
    public static BigInteger Exp(BigInteger value)
    {
        BigInteger n = FloorDivide(value, Ln2);
        BigInteger r = value - (n * Ln2);
        BigInteger term = One, sum = One;
        for (int k = 1; !term.IsZero; k++)
        {
            term = Multiply(term, r) / k;
            sum += term;
        }

        return n.Sign >= 0 ? sum << (int)n : sum >> (int)-n;
    }

    /// <summary>Sine and cosine.</summary>
    public static (BigInteger Sine, BigInteger Cosine) SinCos(BigInteger angle)
    {
        BigInteger half = Pi / 2;
        BigInteger quadrant = FloorDivide(angle, half);
        BigInteger r = angle - (quadrant * half);
        BigInteger term = One, sine = 0, cosine = 0;
        for (int k = 0; !term.IsZero; k++)
        {
            BigInteger signed = (k & 2) == 0 ? term : -term;
            if ((k & 1) == 0)
            {
                cosine += signed;
            }
            else
            {
                sine += signed;
            }

            term = Multiply(term, r) / (k + 1);
        }

        return (int)(quadrant & 3) switch
        {
            0 => (sine, cosine),
            1 => (cosine, -sine),
            2 => (-sine, -cosine),
            _ => (-cosine, sine),
        };
    }

    private static BigInteger InverseArcTangent(int n)
    {
        BigInteger power = One / n, sum = 0;
        for (int k = 0; !power.IsZero; k++)
        {
            BigInteger term = power / ((2 * k) + 1);
            sum += (k & 1) == 0 ? term : -term;
            power /= n * n;
        }

        return sum;
    }

    private static BigInteger AtanhSeries(BigInteger x)
    {
        BigInteger square = Multiply(x, x), power = x, sum = 0;
        for (int k = 1; !power.IsZero; k += 2)
        {
            sum += power / k;
            power = Multiply(power, square);
        }

        return sum;
    }

    private static BigInteger Multiply(BigInteger a, BigInteger b) => (a * b) >> Bits;

    private static BigInteger Divide(BigInteger a, BigInteger b) => (a << Bits) / b;

    private static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        var quotient = BigInteger.DivRem(a, b, out var remainder);
        return remainder.Sign < 0 ? quotient - 1 : quotient;
    }
}
