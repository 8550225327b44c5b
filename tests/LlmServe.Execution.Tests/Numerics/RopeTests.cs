using LlmServe.Execution.Numerics;

namespace LlmServe.Execution.Tests.Numerics;

/// <summary>Angles of rotary embeddings; expected values as in <see cref="FixedPointTests"/>.</summary>
public class RopeTests
{
    [Theory]
    [InlineData(10000.0, 64, 1, 0x3fe7ff2224115d9a)]
    [InlineData(10000.0, 64, 2, 0x3fe1feb33c1c381e)]
    [InlineData(10000.0, 64, 16, 0x3f847ae147ae147b)]
    [InlineData(10000.0, 64, 31, 0x3f217a8e301c4436)]
    [InlineData(10000.0, 128, 63, 0x3f1e459c57e28a47)]
    [InlineData(500000.0, 128, 1, 0x3fea115829457fbe)]
    [InlineData(500000.0, 128, 32, 0x3f572ba43fff3717)]
    [InlineData(500000.0, 128, 63, 0x3ec4985fec80a8cb)]
    [InlineData(1000000.0, 80, 20, 0x3f50624dd2f1a9fc)]
    [InlineData(1000000.0, 80, 39, 0x3eb7b2cd7479c209)]
    [InlineData(100000.0, 64, 30, 0x3ef58863a71f7be2)]
    [InlineData(150000.5, 96, 1, 0x3fe8f6cabcb0cc5f)]
    [InlineData(150000.5, 96, 46, 0x3ee6f8f3ed88ab31)]
    [InlineData(1.5, 16, 7, 0x3fe67143ee286c58)]
    public void Frequencies_KnownBase_AreCorrectlyRounded(double rope, int rotated, int index, long bits) =>
        Assert.Equal(bits, BitConverter.DoubleToInt64Bits(RopeFrequencies.Compute(rope, rotated)[index]));

    [Theory]
    [InlineData(10000.0, 64)]
    [InlineData(500000.0, 128)]
    [InlineData(1e6, 96)]
    [InlineData(0.5, 8)]
    public void Frequencies_AnyBase_StartAtOneAndFollowThePowerFunction(double rope, int rotated)
    {
        double[] frequencies = RopeFrequencies.Compute(rope, rotated);
        Assert.Equal(rotated / 2, frequencies.Length);
        Assert.Equal(1.0, frequencies[0]);
        for (int i = 0; i < frequencies.Length; i++)
        {
            // The exponent is rounded here and not there, which is worth a few units for large bases.
            double power = Math.Pow(rope, -2.0 * i / rotated);
            Assert.InRange(frequencies[i], power * (1 - 2e-15), power * (1 + 2e-15));
        }
    }

    [Theory]
    [InlineData(0.0, 0x3f800000u, 0x00000000u)]
    [InlineData(0.5, 0x3f60a940u, 0x3ef57744u)]
    [InlineData(3.0, 0xbf7d7026u, 0x3e1081c3u)]
    [InlineData(100.0, 0x3f5cc0eeu, 0xbf01a12eu)]
    [InlineData(100000.123, 0xbf7f06bfu, 0xbdb272c3u)]
    [InlineData(123456.789, 0x3d53a694u, 0xbf7fa873u)]
    [InlineData(-7.25, 0x3f11637bu, 0xbf52b56eu)]
    [InlineData(9.5367431640625e-07, 0x3f800000u, 0x35800000u)]
    [InlineData(1048575.9, 0x3f78dabbu, 0x3e703fd1u)]
    public void CosSin_KnownAngle_IsCorrectlyRounded(double angle, uint cosine, uint sine) => AssertBits(angle, cosine, sine);

    /// <summary>Here the binary64 cosine, rounded to f32, is wrong: the exact one lies on the other side of a rounding border.</summary>
    [Fact]
    public void CosSin_AngleWhoseCosineIsHalfwayInBinary64_IsCorrectlyRounded()
    {
        const double Angle = 1351.8983154769664;
        Assert.True(CorrectTrigonometry.InDoubt(Math.Cos(Angle)));
        AssertBits(Angle, 0x3f0766fd, 0x3f5942be);
        Assert.NotEqual(0x3f0766fdu, BitConverter.SingleToUInt32Bits((float)Math.Cos(Angle)));
    }

    [Fact]
    public void CosSin_RandomAngles_AgreeWithFixedPoint()
    {
        var random = new Random(4);
        for (int i = 0; i < 200; i++)
        {
            double angle = random.Next(1, 100_000) * Math.Pow(10000, -random.NextDouble());
            var (sine, cosine) = FixedPoint.SinCos(FixedPoint.FromDouble(angle));
            Assert.Equal(((float)FixedPoint.Round(cosine, 24), (float)FixedPoint.Round(sine, 24)), CorrectTrigonometry.CosSin(angle));
        }
    }

    [Fact]
    public void CosSin_AnglesInDoubt_TakeTheExactWay()
    {
        // The angle whose sine is the middle of two neighbouring f32: binary64 cannot decide.
        var random = new Random(5);
        for (int i = 0; i < 50; i++)
        {
            float low = (float)(0.05 + (0.9 * random.NextDouble()));
            double angle = Math.Asin(((double)low + MathF.BitIncrement(low)) / 2);
            Assert.True(CorrectTrigonometry.InDoubt(Math.Sin(angle)));
            float expected = (float)FixedPoint.Round(FixedPoint.SinCos(FixedPoint.FromDouble(angle)).Sine, 24);
            Assert.Equal(expected, CorrectTrigonometry.CosSin(angle).Sine);
            Assert.True(expected == low || expected == MathF.BitIncrement(low));
        }
    }

    [Fact]
    public void InDoubt_ValuesAroundAMiddle_AreAndOthersAreNot()
    {
        double middle = ((double)0.3f + MathF.BitIncrement(0.3f)) / 2;
        Assert.True(CorrectTrigonometry.InDoubt(middle));
        Assert.True(CorrectTrigonometry.InDoubt(Math.BitIncrement(middle)));
        Assert.True(CorrectTrigonometry.InDoubt(Math.BitDecrement(middle)));
        Assert.False(CorrectTrigonometry.InDoubt(middle * (1 + 1e-12)));
        Assert.False(CorrectTrigonometry.InDoubt(0.3f));
        Assert.False(CorrectTrigonometry.InDoubt(0));
    }

    private static void AssertBits(double angle, uint cosine, uint sine)
    {
        var (c, s) = CorrectTrigonometry.CosSin(angle);
        Assert.Equal((cosine, sine), (BitConverter.SingleToUInt32Bits(c), BitConverter.SingleToUInt32Bits(s)));
    }
}
