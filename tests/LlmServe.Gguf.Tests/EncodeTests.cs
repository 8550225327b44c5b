using LlmServe.Gguf.Formats;

namespace LlmServe.Gguf.Tests;

public sealed class EncodeTests
{
    private const int Count = 4096;

    /// <summary>Type, and the largest error for weights in −1…1: half a step, and the rounding of scales.</summary>
    public static TheoryData<GgmlType, double> Encodable => new()
    {
        { GgmlType.F32, 0 }, { GgmlType.F16, 1.0 / 4096 }, { GgmlType.BF16, 1.0 / 512 },
        { GgmlType.Q8_0, 0.006 }, { GgmlType.Q4_0, 0.3 }, { GgmlType.Q5_0, 0.13 }, { GgmlType.Q4_1, 0.3 }, { GgmlType.Q5_1, 0.13 },
        { GgmlType.Q2_K, 0.7 }, { GgmlType.Q3_K, 0.5 }, { GgmlType.Q4_K, 0.2 }, { GgmlType.Q5_K, 0.1 }, { GgmlType.Q6_K, 0.05 },
        { GgmlType.IQ4_NL, 0.3 }, { GgmlType.IQ4_XS, 0.3 }, { GgmlType.MXFP4, 0.4 }, { GgmlType.NVFP4, 0.3 },
        { GgmlType.IQ3_S, 0.6 }, { GgmlType.IQ3_XXS, 0.8 }, { GgmlType.IQ2_S, 0.9 }, { GgmlType.IQ2_XS, 1 }, { GgmlType.IQ2_XXS, 1 },
        { GgmlType.IQ1_S, 1.7 }, { GgmlType.IQ1_M, 1.7 }, { GgmlType.TQ1_0, 0.6 }, { GgmlType.TQ2_0, 0.6 }, { GgmlType.Q1_0, 0.7 }, { GgmlType.Q2_0, 0.6 },
    };

    /// <summary>Formats that weights can be encoded in.</summary>
    public static TheoryData<GgmlType> Types => new(BlockFormat.All.Where(format => format.CanEncode).Select(format => format.Type));

    /// <summary>Those of blocks.</summary>
    public static TheoryData<GgmlType> Blocks => new(BlockFormat.All.Where(format => format.Kind is not null).Select(format => format.Type));

    [Theory]
    [MemberData(nameof(Encodable))]
    public void Encode_RandomWeights_DecodeNearby(GgmlType type, double bound)
    {
        float[] weights = Weights(1);
        float[] decoded = RoundTrip(type, weights);
        Assert.All(weights.Zip(decoded), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, bound));
    }

    [Fact]
    public void CanEncode_Formats_AreAllThatCanBeDecoded()
    {
        Assert.All(BlockFormat.All, format => Assert.Equal(format.CanDecode, format.CanEncode));
        Assert.Equal(28, Encodable.Count);
    }

    /// <summary>The search is never worse than the plain choice of scales, on bell-shaped rows and on rows with a few large weights.</summary>
    [Theory]
    [MemberData(nameof(Blocks))]
    public void Encode_RandomRows_AreNoWorseThanPlain(GgmlType type)
    {
        for (int seed = 0; seed < 24; seed++)
        {
            float[] weights = Normal(seed, 512, outliers: seed % 3 == 2);
            if (BlockFormat.Get(type).Accept(new PlainRounding(weights)) is { } plain)
            {
                Assert.InRange(SquaredError(weights, RoundTrip(type, weights)), 0, SquaredError(weights, plain) * 1.0001);
            }
        }
    }

    /// <summary>What counts more comes out nearer.</summary>
    [Theory]
    [MemberData(nameof(Blocks))]
    public void Encode_WithImportance_HasASmallerWeightedError(GgmlType type)
    {
        double without = 0, with = 0;
        for (int seed = 0; seed < 12; seed++)
        {
            float[] weights = Normal(seed, 1024, outliers: false);
            var random = new Random(seed);
            float[] importance = [.. weights.Select(_ => MathF.Exp((4 * random.NextSingle()) - 2))];
            without += SquaredError(weights, RoundTrip(type, weights), importance);
            with += SquaredError(weights, RoundTrip(type, weights, importance), importance);
        }

        Assert.InRange(with, 0, without * (type == GgmlType.Q8_0 ? 1.001 : 1));
    }

    /// <summary>Rows of one call come out as if each were encoded alone.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void Encode_ManyBlocks_AreEachEncodedAlone(GgmlType type)
    {
        var format = BlockFormat.Get(type);
        float[] weights = Normal(5, 256 * 19, outliers: true);
        byte[] together = new byte[format.BytesOf(weights.Length)];
        format.Encode(weights, together);
        int block = format.BlockSize;
        byte[] alone = new byte[format.BlockBytes];
        for (int i = 0; i < weights.Length / block; i++)
        {
            format.Encode(weights.AsSpan(i * block, block), alone);
            Assert.True(alone.AsSpan().SequenceEqual(together.AsSpan(i * format.BlockBytes, format.BlockBytes)), $"block {i}");
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Encode_Zeros_DecodeToZeros(GgmlType type) => Assert.All(RoundTrip(type, new float[Count]), value => Assert.Equal(0f, value));

    [Theory]
    [MemberData(nameof(Types))]
    public void Encode_ExtremeWeights_StayFinite(GgmlType type)
    {
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

    /// <summary>Blocks of subnormal numbers become numbers no larger than a scale can be made small.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void Encode_SubnormalWeights_StayNearZero(GgmlType type)
    {
        float[] weights = [.. Weights(6).Select(weight => weight * 1e-39f)];
        Assert.All(RoundTrip(type, weights), value => Assert.InRange(Math.Abs(value), 0, 1e-6f));
    }

    /// <summary>One weight a thousand times as large as all others is kept to within a step.</summary>
    [Theory]
    [MemberData(nameof(Blocks))]
    public void Encode_Outlier_IsKept(GgmlType type)
    {
        float[] weights = Weights(7);
        weights[100] = 1000;
        float decoded = RoundTrip(type, weights)[100];
        Assert.InRange(decoded, 1000 * (type is GgmlType.Q1_0 ? 0.005 : type is GgmlType.IQ1_S or GgmlType.IQ1_M ? 0.3 : 0.85), 1150);
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
    [InlineData(GgmlType.TQ1_0)]
    [InlineData(GgmlType.TQ2_0)]
    [InlineData(GgmlType.Q2_0)]
    [InlineData(GgmlType.MXFP4)]
    [InlineData(GgmlType.NVFP4)]
    public void Encode_TernaryWeights_AreKeptExactly(GgmlType type)
    {
        var random = new Random(8);
        float[] weights = [.. Enumerable.Range(0, Count).Select(_ => random.Next(-1, 2) * 0.125f)];
        Assert.Equal(weights, RoundTrip(type, weights));
    }

    /// <summary>
    /// Decoded weights that are encoded again decode to the same. Formats whose search can find other scales for them are those with a figure: the largest change,
    /// relative to the largest weight of the row (docs/quantize.md).
    /// </summary>
    [Theory]
    [MemberData(nameof(Blocks))]
    public void Encode_DecodedWeights_DecodeToTheSame(GgmlType type)
    {
        double allowed = type switch
        {
            GgmlType.Q8_0 => 0.005, GgmlType.Q5_0 or GgmlType.Q5_1 => 0.05, GgmlType.Q4_1 => 0.1, GgmlType.NVFP4 => 0.12,
            GgmlType.Q6_K => 0.03, GgmlType.Q5_K => 0.06, GgmlType.Q3_K or GgmlType.Q4_K or GgmlType.Q2_K => 0.12,
            GgmlType.IQ3_S => 0.25, GgmlType.IQ2_S => 0.4, GgmlType.IQ2_XS => 0.7, _ => 0,
        };
        for (int seed = 0; seed < 12; seed++)
        {
            float[] once = RoundTrip(type, Normal(seed, 2048, outliers: seed % 2 == 1)), twice = RoundTrip(type, once);
            float largest = once.Max(Math.Abs);
            Assert.All(once.Zip(twice), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, allowed * largest));
        }
    }

    /// <summary>What is read of a block can be written again.</summary>
    [Theory]
    [MemberData(nameof(Blocks))]
    public void Pack_UnpackedBlocks_DecodeToTheSame(GgmlType type)
    {
        var format = BlockFormat.Get(type);
        byte[] blocks = File.ReadAllBytes(Testing.TestData.Local("quants", $"{format.Name}.blocks"));
        int count = blocks.Length / format.BlockBytes * format.BlockSize;
        byte[] again = format.Accept(new Repacking(blocks));
        Assert.Equal(TestRows.Decode(format, blocks, count), TestRows.Decode(format, again, count));
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
        Assert.Throws<ArgumentException>(() => format.Encode(new float[32], new byte[34], new float[32]));
        Assert.Throws<ArgumentException>(() => format.Encode(new float[32], new byte[34], [1]));
        Assert.False(BlockFormat.Get(GgmlType.Q8_1).CanEncode);
        var error = Assert.Throws<GgufException>(() => BlockFormat.Get(GgmlType.Q8_1).Encode(new float[32], new byte[36]));
        Assert.Contains("Q8_1", error.Message);
        Assert.Contains("Q6_K", error.Message);
    }

    private static float[] RoundTrip(GgmlType type, float[] weights, float[]? importance = null)
    {
        var format = BlockFormat.Get(type);
        byte[] blocks = TestModels.Random(9, format.BytesOf(weights.Length));
        format.Encode(weights, blocks, importance);
        return TestRows.Decode(format, blocks, weights.Length);
    }

    private static double SquaredError(float[] weights, float[] decoded, float[]? importance = null) =>
        weights.Select((weight, i) => Math.Pow(weight - decoded[i], 2) * (importance?[i] ?? 1)).Sum();

    private static float[] Weights(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Count).Select(_ => random.NextSingle() * 2 - 1)];
    }

    private static float[] Normal(int seed, int count, bool outliers)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i =>
            (float)(0.02 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()) * (outliers && random.Next(60) == 0 ? 6 : 1)))];
    }

    /// <summary>Blocks read and written again.</summary>
    private sealed unsafe class Repacking(byte[] blocks) : IBlockFormatVisitor<byte[]>
    {
        public byte[] Visit<TBlock>() where TBlock : unmanaged, IBlockFormat<TBlock>
        {
            byte[] again = new byte[blocks.Length];
            Codes32* pieces = stackalloc Codes32[8];
            fixed (byte* source = blocks)
            fixed (byte* target = again)
            {
                for (int at = 0; at < blocks.Length; at += TBlock.BlockBytes)
                {
                    for (int piece = 0; piece < TBlock.BlockSize / 32; piece++)
                    {
                        TBlock.Unpack(source + at, piece, out pieces[piece]);
                    }

                    TBlock.Pack(pieces, target + at);
                }
            }

            return again;
        }
    }
}
