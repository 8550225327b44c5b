using System.Globalization;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LlmServe.Execution.Numerics;

namespace LlmServe.Execution.Tests.Numerics;

public class NumericsMathTests
{
    [Fact]
    public void Exp_SpanOfManyValues_EqualsScalarBitForBit()
    {
        float[] x = Arguments();
        var y = new float[x.Length];

        NumericsMath.Exp(x, y);

        for (int i = 0; i < x.Length; i++)
        {
            Assert.True(
                BitConverter.SingleToUInt32Bits(NumericsMath.Exp(x[i])) == BitConverter.SingleToUInt32Bits(y[i]),
                $"exp({x[i].ToString("R", CultureInfo.InvariantCulture)})");
        }
    }

    [SkippableFact]
    public void Exp_SixteenAtATime_EqualsScalarBitForBit()
    {
        Skip.IfNot(Avx512F.IsSupported, "SKIPPED: this processor has no AVX-512");
        float[] x = [.. Arguments(), .. new float[16]];
        for (int i = 0; i <= x.Length - 16; i += 16)
        {
            var y = NumericsMath.Exp(Vector512.Create<float>(x.AsSpan(i, 16)));
            for (int lane = 0; lane < 16; lane++)
            {
                Assert.True(
                    BitConverter.SingleToUInt32Bits(NumericsMath.Exp(x[i + lane])) == BitConverter.SingleToUInt32Bits(y[lane]),
                    $"exp({x[i + lane].ToString("R", CultureInfo.InvariantCulture)})");
            }
        }
    }

    [Fact]
    public void Exp_WholeRange_IsLessThanOneUnitOff()
    {
        double worst = 0;
        foreach (float x in Arguments().Where(x => x is >= NumericsMath.ExpUnderflow and <= NumericsMath.ExpOverflow))
        {
            double exact = Math.Exp(x);
            double unit = (double)MathF.BitIncrement((float)exact) - (float)exact;
            worst = Math.Max(worst, Math.Abs(NumericsMath.Exp(x) - exact) / unit);
        }

        Assert.InRange(worst, 0.5, 1.0);
    }

    [Fact]
    public void Exp_Edges_AreAsDefined()
    {
        Assert.Equal(1f, NumericsMath.Exp(0f));
        Assert.Equal(1f, NumericsMath.Exp(-0f));
        Assert.True(float.IsNaN(NumericsMath.Exp(float.NaN)));
        Assert.Equal(float.PositiveInfinity, NumericsMath.Exp(MathF.BitIncrement(88f)));
        Assert.True(float.IsFinite(NumericsMath.Exp(88f)));
        Assert.Equal(0f, NumericsMath.Exp(MathF.BitDecrement(-86.5f)));
        Assert.True(NumericsMath.Exp(-86.5f) >= 1.17549435E-38f, "no subnormal results");
        Assert.Equal(0f, NumericsMath.Exp(float.NegativeInfinity));
    }

    [Fact]
    public void Exp_FixedArguments_HaveFixedBits()
    {
        // From a computation of the NUMERICS steps in exact rational arithmetic, each step rounded once.
        (float X, uint Bits)[] expected =
        [
            (1f, 0x402DF854), (-1f, 0x3EBC5AB2), (0.5f, 0x3FD3094C), (-0.346599996f, 0x3F3503BA),
            (10.25f, 0x46DCF516), (-20.125f, 0x30F9FF06), (87.9000015f, 0x7EE0DCAE), (-86.4000015f, 0x01234600),
            (-44.5941544f, 0x1F4AD859), (8.69588566f, 0x45BAD21E), (-21.6278019f, 0x2FDE80A1), (19.0820866f, 0x4D38C698),
            (22.8753338f, 0x5000306E), (-74.5979767f, 0x09A6536E), (-83.7087708f, 0x0316840E), (59.7196198f, 0x6A8EBC42),
            (-40.8724022f, 0x220303D6), (-45.2264137f, 0x1ED79464), (87.2422028f, 0x7E68F3E4), (-4.17414951f, 0x3C7C1F19),
        ];
        foreach (var (x, bits) in expected)
        {
            Assert.Equal(bits, BitConverter.SingleToUInt32Bits(NumericsMath.Exp(x)));
        }
    }

    [Fact]
    public void SiluAndGelu_Range_AreNearTheirDefinition()
    {
        for (float x = -20; x <= 20; x += 0.37f)
        {
            Assert.Equal(x / (1 + Math.Exp(-x)), NumericsMath.Silu(x), 1e-5);
            double inner = 0.7978845608028654 * (x + 0.044715 * x * x * x);
            Assert.Equal(0.5 * x * (1 + Math.Tanh(inner)), NumericsMath.Gelu(x), 1e-5);
        }
    }

    private static float[] Arguments()
    {
        var random = new Random(1);
        var x = new List<float> { 0, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, 88, -86.5f, float.Epsilon, -float.Epsilon };
        for (int i = 0; i < 200_000; i++)
        {
            x.Add((float)(random.NextDouble() * 180 - 91));
        }

        return [.. x];
    }
}
