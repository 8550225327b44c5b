using LlmServe.Gguf.Formats;

namespace LlmServe.Gguf.Tests;

public sealed class EncodeTests
{
    private const int Count = 4096;

    /// <summary>Type, and the largest error for weights in −1…1 relative to a scale of 1: half a step, and the rounding of scales.</summary>
    public static TheoryData<GgmlType, double> Encodable => new()
    {
        { GgmlType.F32, 0 }, { GgmlType.F16, 1.0 / 4096 }, { GgmlType.BF16, 1.0 / 512 },
        { GgmlType.Q8_0, 0.5 / 127 + 0.0006 }, { GgmlType.Q4_0, 1.0 / 8 + 0.001 }, { GgmlType.Q5_0, 1.0 / 16 + 0.001 },
        { GgmlType.Q4_1, 1.0 / 15 + 0.002 }, { GgmlType.Q5_1, 1.0 / 31 + 0.002 },
        { GgmlType.Q6_K, 1.0 / 32 + 0.01 }, { GgmlType.Q4_K, 1.0 / 15 + 0.05 },
    };

    [Theory]
    [MemberData(nameof(Encodable))]
    public void Encode_RandomWeights_DecodeNearby(GgmlType type, double bound)
    {
        float[] weights = Weights(1);
        float[] decoded = RoundTrip(type, weights);
        Assert.All(weights.Zip(decoded), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, bound));
    }

    [Theory]
    [MemberData(nameof(Encodable))]
    public void Encode_Zeros_DecodeToZeros(GgmlType type, double bound)
    {
        Assert.True(bound < 1);
        Assert.All(RoundTrip(type, new float[Count]), value => Assert.Equal(0f, value));
    }

    [Theory]
    [MemberData(nameof(Encodable))]
    public void Encode_ExtremeWeights_StayFinite(GgmlType type, double bound)
    {
        Assert.True(bound < 1);
        float[] weights = Weights(2);
        for (int i = 0; i < Count; i += 3)
        {
            weights[i] = i % 2 == 0 ? 60000f : -float.Epsilon;
        }

        if (BlockFormat.Get(type).IsQuantized)
        {
            weights[5] = float.MaxValue;
            weights[6] = float.MinValue;
        }

        Assert.All(RoundTrip(type, weights), value => Assert.True(float.IsFinite(value)));
    }

    [Theory]
    [InlineData(GgmlType.Q8_0, 127)]
    [InlineData(GgmlType.Q4_0, 8)]
    [InlineData(GgmlType.Q5_0, 16)]
    public void Encode_WeightsOnTheGrid_AreKeptExactly(GgmlType type, int reach)
    {
        // Multiples of 1/256 that hold the format's extreme in every block, so that the scale itself is a power of two.
        var random = new Random(3);
        float[] weights = [.. Enumerable.Range(0, Count).Select(i => (i % 32 == 0 ? -reach : random.Next(1 - reach, reach)) / 256f)];
        Assert.Equal(weights, RoundTrip(type, weights));
    }

    [Theory]
    [InlineData(GgmlType.Q4_1, 15)]
    [InlineData(GgmlType.Q5_1, 31)]
    public void Encode_WeightsOnTheShiftedGrid_AreKeptExactly(GgmlType type, int most)
    {
        var random = new Random(4);
        float[] weights = [.. Enumerable.Range(0, Count).Select(i => (i % 32 == 0 ? 0 : i % 32 == 1 ? most : random.Next(0, most + 1)) / 16f - 3)];
        Assert.Equal(weights, RoundTrip(type, weights));
    }

    [Theory]
    [InlineData(1.00390625f, 0x3F80)]
    [InlineData(1.01171875f, 0x3F82)]
    [InlineData(float.NaN, 0xFFC0)]
    [InlineData(float.MaxValue, 0x7F80)]
    [InlineData(float.NegativeInfinity, 0xFF80)]
    public void Encode_BF16_RoundsToNearestEven(float weight, int expected)
    {
        byte[] bytes = new byte[2];
        BlockFormat.Get(GgmlType.BF16).Encode([weight], bytes);
        Assert.Equal(expected, bytes[0] | bytes[1] << 8);
    }

    [Fact]
    public void Encode_SignallingNaN_StaysNaNInBF16()
    {
        byte[] bytes = new byte[2];
        BlockFormat.Get(GgmlType.BF16).Encode([BitConverter.UInt32BitsToSingle(0x7F800001)], bytes);
        Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle((uint)(bytes[0] | bytes[1] << 8) << 16)));
    }

    [Fact]
    public void Encode_NotAllowed_Throws()
    {
        var format = BlockFormat.Get(GgmlType.Q8_0);
        Assert.Throws<ArgumentException>(() => format.Encode(new float[31], new byte[34]));
        Assert.Throws<ArgumentException>(() => format.Encode(new float[32], new byte[35]));
        Assert.Throws<ArgumentException>(() => format.Encode([.. new float[31], float.NaN], new byte[34]));
        Assert.Throws<ArgumentException>(() => format.Encode([.. new float[31], float.PositiveInfinity], new byte[34]));
        Assert.False(BlockFormat.Get(GgmlType.IQ4_XS).CanEncode);
        var error = Assert.Throws<GgufException>(() => BlockFormat.Get(GgmlType.IQ4_XS).Encode(new float[256], new byte[136]));
        Assert.Contains("IQ4_XS", error.Message);
        Assert.Contains("Q6_K", error.Message);
    }

    private static float[] RoundTrip(GgmlType type, float[] weights)
    {
        var format = BlockFormat.Get(type);
        byte[] blocks = TestModels.Random(9, format.BytesOf(weights.Length));
        format.Encode(weights, blocks);
        return TestRows.Decode(format, blocks, weights.Length);
    }

    private static float[] Weights(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Count).Select(_ => random.NextSingle() * 2 - 1)];
    }
}
