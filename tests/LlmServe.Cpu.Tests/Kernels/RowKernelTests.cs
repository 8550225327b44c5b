using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Numerics;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Reference;
using LlmServe.Cpu.Kernels.Simd;

namespace LlmServe.Cpu.Tests.Kernels;

/// <summary>Vector row kernels give the bits of the scalar ones, tails and extremes included.</summary>
public unsafe class RowKernelTests
{
    private static readonly int[] Lengths = [1, 7, 8, 9, 31, 32, 64, 255, 256, 257, 288, 576, 1000, 1536];

    [SkippableFact]
    public void RmsNorm_RandomRows_HasReferenceBits()
    {
        LoadedModel.RequireVectors();
        var random = new Random(1);
        foreach (int length in Lengths)
        {
            for (int round = 0; round < 8; round++)
            {
                float[] x = Activations(random, length), gain = Activations(random, length), expected = new float[length], actual = new float[length];
                fixed (float* px = x, pg = gain, pe = expected, pa = actual)
                {
                    ReferenceRows.RmsNorm(px, pg, pe, length, 1e-5f);
                    SimdRows.RmsNorm(px, pg, pa, length, 1e-5f);
                }

                KernelLab.AssertSame(expected, actual, $"norm of {length}");
            }
        }
    }

    [SkippableFact]
    public void Dot_RandomRows_HasReferenceBits()
    {
        LoadedModel.RequireVectors();
        var random = new Random(2);
        float* four = stackalloc float[4];
        foreach (int length in Lengths)
        {
            float[] x = Activations(random, length), y = Activations(random, 4 * length);
            fixed (float* px = x, py = y)
            {
                VectorMath.Dot4(px, py, length, length, four);
                for (int i = 0; i < 4; i++)
                {
                    float expected = ReferenceVector.Dot(px, py + (i * length), length);
                    Assert.True(KernelLab.SameBits(expected, VectorMath.Dot(px, py + (i * length), length)), $"dot of {length}");
                    Assert.True(KernelLab.SameBits(expected, four[i]), $"dot {i} of four of {length}");
                }
            }
        }
    }

    [SkippableFact]
    public void GateSilu_AllRanges_HasReferenceBits()
    {
        LoadedModel.RequireVectors();
        var random = new Random(3);
        foreach (int length in Lengths)
        {
            float[] gate = Activations(random, length), up = Activations(random, length), same = [.. gate];
            for (int i = 0; i < length; i += 3)
            {
                gate[i] = same[i] = (float)((random.NextDouble() * 400) - 200);
            }

            fixed (float* a = gate, b = same, u = up)
            {
                ReferenceRows.GateSilu(a, u, length);
                SimdRows.GateSilu(b, u, length);
            }

            KernelLab.AssertSame(gate, same, $"gate of {length}");
        }
    }

    [SkippableFact]
    public void Add_RandomRows_HasReferenceBits()
    {
        LoadedModel.RequireVectors();
        var random = new Random(4);
        foreach (int length in Lengths)
        {
            float[] x = Activations(random, length), y = Activations(random, length), same = [.. y];
            fixed (float* px = x, a = y, b = same)
            {
                ReferenceRows.Add(a, px, length);
                SimdRows.Add(b, px, length);
            }

            KernelLab.AssertSame(y, same, $"sum of {length}");
        }
    }

    [SkippableFact]
    public void Rotate_AnyPairs_HasReferenceBits()
    {
        LoadedModel.RequireVectors();
        var random = new Random(5);
        foreach (int pairs in (int[])[1, 2, 3, 7, 8, 12, 20, 32, 64])
        {
            float[] x = Activations(random, 2 * pairs), same = [.. x], angles = Activations(random, 2 * pairs);
            fixed (float* a = x, b = same, cosines = angles)
            {
                float* sines = cosines + pairs;
                ReferenceRows.RotateHalves(a, cosines, sines, pairs);
                SimdRows.RotateHalves(b, cosines, sines, pairs);
                KernelLab.AssertSame(x, same, $"{pairs} pairs in halves");
                ReferenceRows.RotateNeighbours(a, cosines, sines, pairs);
                SimdRows.RotateNeighbours(b, cosines, sines, pairs);
                KernelLab.AssertSame(x, same, $"{pairs} pairs of neighbours");
            }
        }
    }

    [Fact]
    public void Rotate_QuarterTurn_SwapsPairWithSign()
    {
        float* x = stackalloc float[4];
        float* cosines = stackalloc float[2];
        float* sines = stackalloc float[2];
        (x[0], x[1], x[2], x[3]) = (1, 2, 3, 4);
        (sines[0], sines[1]) = (1, 1);
        ReferenceRows.RotateHalves(x, cosines, sines, 2);
        Assert.Equal<float[]>([-3, -4, 1, 2], new Span<float>(x, 4).ToArray());
        ReferenceRows.RotateNeighbours(x, cosines, sines, 2);
        Assert.Equal<float[]>([4, -3, -2, 1], new Span<float>(x, 4).ToArray());
    }

    [SkippableFact]
    public void WriteForms_AllFormsAndRanges_AgreeWithReference()
    {
        LoadedModel.RequireVectors();
        var random = new Random(6);
        const int Columns = 320;
        for (int forms = 1; forms < 64; forms++)
        {
            var layout = new ActivationLayout((ActivationForms)forms, Columns);
            using var expected = new GuardedBuffer(2L * layout.RowBytes);
            using var actual = new GuardedBuffer(2L * layout.RowBytes);
            float[] x = Activations(random, Columns);
            int cut = 32 * random.Next(0, 11);
            fixed (float* values = x)
            {
                ReferenceRows.WriteForms(values, new ActivationView(expected.Data, layout), 1, 0, Columns);

                // In two pieces, as two lanes would.
                SimdRows.WriteForms(values, new ActivationView(actual.Data, layout), 1, 0, cut);
                SimdRows.WriteForms(values + cut, new ActivationView(actual.Data, layout), 1, cut, Columns - cut);
            }

            AssertForms(new ActivationView(expected.Data, layout), new ActivationView(actual.Data, layout), x);
        }
    }

    private static void AssertForms(in ActivationView expected, in ActivationView actual, float[] x)
    {
        ref readonly var layout = ref expected.Layout;
        int columns = layout.Columns;
        string what = $"forms with real {layout.Real}, signed {layout.Signed8}, unsigned {layout.Unsigned8}, words {layout.Signed16}";
        byte* e = expected.Row(1), a = actual.Row(1);
        Assert.True(new Span<byte>(actual.Data, layout.RowBytes).IndexOfAnyExcept((byte)0) < 0, $"{what}: row 0 was written");
        AssertBytes(e, a, layout.Real, columns * 4, what);
        AssertBytes(e, a, layout.Signed8, columns, what);
        AssertBytes(e, a, layout.Unsigned8, columns, what);
        AssertBytes(e, a, layout.Scales, columns / 32 * 4, what);
        AssertBytes(e, a, layout.Sums, columns / 32 * 4, what);
        for (int i = 0; layout.Signed16 >= 0 && i < columns; i++)
        {
            // Vector kernels keep each four as 0, 2, 1, 3.
            int place = (i & ~3) | ((i & 1) << 1) | ((i >> 1) & 1);
            Assert.Equal(((short*)(e + layout.Signed16))[i], ((short*)(a + layout.Signed16))[place]);
        }

        AssertSums(a, layout.RealSums16, 16, x);
        AssertSums(a, layout.RealSums32, 32, x);
    }

    private static void AssertBytes(byte* expected, byte* actual, int at, int length, string what)
    {
        if (at >= 0)
        {
            Assert.True(new Span<byte>(expected + at, length).SequenceEqual(new Span<byte>(actual + at, length)), $"{what}: differ at offset {at}");
        }
    }

    private static void AssertSums(byte* row, int at, int length, float[] x)
    {
        for (int i = 0; at >= 0 && i < x.Length; i += length)
        {
            float sum = 0;
            foreach (float value in x.AsSpan(i, length))
            {
                sum += value;
            }

            Assert.True(KernelLab.SameBits(sum, ((float*)(row + at))[i / length]), $"sum {i / length} of {length}");
        }
    }

    [Theory]
    [InlineData(1f, 1f, 127)]
    [InlineData(-3.5f, 3.5f, -127)]
    [InlineData(0f, 0f, 0)]
    [InlineData(1e-37f, 0f, 0)]
    [InlineData(3.6e-37f, 0f, 0)]
    [InlineData(4e-37f, 4e-37f, 127)]
    [InlineData(3e38f, 3e38f, 127)]
    public void Quantize_OneValueAloneInBlock_HasScaleAndCodeOfNumerics(float value, float amax, int code)
    {
        var codes = stackalloc sbyte[32];
        var sums = stackalloc short[2];
        var x = stackalloc float[32];
        x[20] = value;
        Assert.Equal(amax / 127, ReferenceVector.Quantize(x, codes, sums));
        Assert.Equal(code, codes[20]);
        Assert.Equal(0, codes[19]);
        Assert.Equal(0, sums[0]);
        Assert.Equal(code, sums[1]);
    }

    [Fact]
    public void Quantize_HalfwayValues_RoundToEven()
    {
        var codes = stackalloc sbyte[32];
        var sums = stackalloc short[2];
        var x = stackalloc float[32];
        (x[0], x[1], x[2], x[3], x[4]) = (127, 0.5f, 1.5f, 2.5f, -2.5f);
        ReferenceVector.Quantize(x, codes, sums);
        Assert.Equal<sbyte[]>([127, 0, 2, 2, -2], new Span<sbyte>(codes, 5).ToArray());
    }

    [SkippableTheory]
    [InlineData(false, 64, 0, 64)]
    [InlineData(true, 64, 0, 64)]
    [InlineData(true, 64, 16, 48)]
    [InlineData(true, 80, 16, 32)]
    [InlineData(true, 64, 8, 40)]
    [InlineData(true, 24, 0, 24)]
    public void StoreCache_AnyPart_AgreesWithReference(bool halves, int headSize, int first, int length)
    {
        LoadedModel.RequireVectors();
        var random = new Random(headSize + first);
        var kv = new KvLayout { ElementBytes = halves ? 2 : 4, HeadSize = headSize, KeyHeads = 1, Interleaved = halves && headSize % 16 == 0 };
        using var expected = new GuardedBuffer(headSize * kv.ElementBytes);
        using var actual = new GuardedBuffer(headSize * kv.ElementBytes);
        float[] x = Activations(random, length);
        fixed (float* values = x)
        {
            ReferenceRows.StoreCache(values, expected.Data, first, length, kv);
            SimdRows.StoreCache(values, actual.Data, first, length, kv);
        }

        Assert.True(new Span<byte>(expected.Data, (int)expected.Length).SequenceEqual(new Span<byte>(actual.Data, (int)actual.Length)));
        float stored = halves ? (float)((Half*)actual.Data)[kv.IndexOf(first + 3)] : actual.Floats[first + 3];
        Assert.Equal(halves ? (float)(Half)x[3] : x[3], stored);
    }

    [Fact]
    public void Exp_VectorOverWholeRange_EqualsScalar()
    {
        var random = new Random(8);
        float[] x = new float[40_000], y = new float[40_000];
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = i % 4 == 0 ? BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32)) : (float)((random.NextDouble() * 200) - 100);
        }

        NumericsMath.Exp(x, y);
        KernelLab.AssertSame([.. x.Select(NumericsMath.Exp)], y, "exp");
    }

    private static float[] Activations(Random random, int length)
    {
        float[] x = new float[length];
        KernelLab.FillActivations(random, x);
        return x;
    }
}
