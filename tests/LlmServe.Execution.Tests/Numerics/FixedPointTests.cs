using System.Globalization;
using System.Numerics;
using LlmServe.Execution.Numerics;

namespace LlmServe.Execution.Tests.Numerics;

/// <summary>Expected values come from a computation with 400 bits in another library, rounded once.</summary>
public class FixedPointTests
{
    private const string PiDigits = "314159265358979323846264338327950288419716939937510582097494459230781640628620899862803483";
    private const string Ln2Digits = "69314718055994530941723212145817656807550013436025525412068000949339362196969471560586332";

    [Fact]
    public void Constants_NinetyDigits_AreExact()
    {
        Assert.StartsWith(PiDigits[..88], Decimals(FixedPoint.Pi, 89), StringComparison.Ordinal);
        Assert.StartsWith(Ln2Digits[..86], Decimals(FixedPoint.Ln2, 89), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1e-3, 0x3ff0041919b7ee34)]
    [InlineData(0.7, 0x40001c2a61268987)]
    [InlineData(10.0, 0x40d5829dcf950560)]
    [InlineData(-30.5, 0x3d2ff3864232b407)]
    public void Exp_KnownArgument_IsCorrectlyRounded(double x, long bits) =>
        Assert.Equal(bits, BitConverter.DoubleToInt64Bits(FixedPoint.Round(FixedPoint.Exp(FixedPoint.FromDouble(x)), 53)));

    [Theory]
    [InlineData(1e-3, 0xc01ba18a998fffa0)]
    [InlineData(0.7, 0xbfd6d3c324e13f50)]
    [InlineData(10.0, 0x40026bb1bbb55516)]
    [InlineData(500000.0, 0x402a3ea669a05c01)]
    [InlineData(2.0, 0x3fe62e42fefa39ef)]
    public void Log_KnownArgument_IsCorrectlyRounded(double x, ulong bits) =>
        Assert.Equal(bits, BitConverter.DoubleToUInt64Bits(FixedPoint.Round(FixedPoint.Log(FixedPoint.FromDouble(x)), 53)));

    [Fact]
    public void Log_OfExp_IsTheArgument()
    {
        var random = new Random(1);
        for (int i = 0; i < 50; i++)
        {
            double x = (random.NextDouble() - 0.5) * 60;
            Assert.Equal(x, FixedPoint.Round(FixedPoint.Log(FixedPoint.Exp(FixedPoint.FromDouble(x))), 53));
        }
    }

    [Fact]
    public void SinCos_AnyAngle_LiesOnTheUnitCircleNearTheLibrary()
    {
        var random = new Random(2);
        BigInteger tolerance = FixedPoint.One >> 280;
        for (int i = 0; i < 100; i++)
        {
            double angle = (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-3, 7));
            var (sine, cosine) = FixedPoint.SinCos(FixedPoint.FromDouble(angle));
            Assert.True(BigInteger.Abs(((sine * sine) + (cosine * cosine) >> FixedPoint.Bits) - FixedPoint.One) < tolerance);
            Assert.Equal(Math.Sin(angle), FixedPoint.Round(sine, 53), 1e-14);
            Assert.Equal(Math.Cos(angle), FixedPoint.Round(cosine, 53), 1e-14);
        }
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    [InlineData(-0.1)]
    [InlineData(123456.789)]
    [InlineData(1e-30)]
    public void Round_OfAnExactDouble_IsThatDouble(double value) => Assert.Equal(value, FixedPoint.Round(FixedPoint.FromDouble(value), 53));

    [Fact]
    public void Round_Ties_GoToEven()
    {
        BigInteger unit = FixedPoint.One >> 23;
        Assert.Equal(1.0, FixedPoint.Round(FixedPoint.One + (unit / 2), 24));
        Assert.Equal(1.0 + (2 * Math.Pow(2, -23)), FixedPoint.Round(FixedPoint.One + unit + (unit / 2), 24));
        Assert.Equal(1.0 + Math.Pow(2, -23), FixedPoint.Round(FixedPoint.One + (unit / 2) + 1, 24));
        Assert.Equal(-1.0, FixedPoint.Round(-FixedPoint.One - (unit / 2), 24));

        // All ones carry into the next power of two.
        Assert.Equal(2.0, FixedPoint.Round((2 * FixedPoint.One) - 1, 24));
    }

    private static string Decimals(BigInteger value, int digits) =>
        ((value * BigInteger.Pow(10, digits)) >> FixedPoint.Bits).ToString(CultureInfo.InvariantCulture);
}
