using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Execution;
using LlmServe.Execution.Numerics;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Activations;
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
                    SimdRows<Width256>.RmsNorm(px, pg, pa, length, 1e-5f);
                }

                RandomOperands.AssertSame(expected, actual, $"norm of {length}");
                fixed (float* px = x, pe = expected, pa = actual)
                {
                    ReferenceRows.RmsNorm(px, null, pe, length, 1e-5f);
                    SimdRows<Width256>.RmsNorm(px, null, pa, length, 1e-5f);
                }

                RandomOperands.AssertSame(expected, actual, $"norm of {length} without gain");
            }
        }
    }

    [SkippableFact]
    public void Dot_RandomRows_HasReferenceBits()
    {
        LoadedModel.RequireVectors();
        var random = new Random(2);
        foreach (int length in Lengths)
        {
            float[] x = Activations(random, length), y = Activations(random, 4 * length);
            fixed (float* px = x, py = y)
            {
                for (int i = 0; i < 4; i++)
                {
                    float expected = ReferenceVector.Dot(px, py + (i * length), length);
                    Assert.True(RandomOperands.SameBits(expected, VectorMath.Dot(px, py + (i * length), length)), $"dot of {length}");
                }
            }
        }
    }

    [SkippableFact]
    public void LayerNorm_RandomRows_HasReferenceBits()
    {
        LoadedModel.RequireVectors();
        var random = new Random(9);
        foreach (int length in Lengths)
        {
            for (int round = 0; round < 8; round++)
            {
                float[] x = Activations(random, length), gain = Activations(random, length), bias = Activations(random, length);
                float[] expected = new float[length], actual = [.. x];
                fixed (float* px = x, pg = gain, pb = bias, pe = expected, pa = actual)
                {
                    float* g = round % 2 == 0 ? pg : null, b = round % 4 < 2 ? pb : null;
                    ReferenceRows.LayerNorm(px, g, b, pe, length, 1e-5f);
                    SimdRows<Width256>.LayerNorm(pa, g, b, pa, length, 1e-5f);
                }

                RandomOperands.AssertSame(expected, actual, $"norm of {length}");
            }
        }
    }

    [SkippableFact]
    public void Scale_RandomRows_HasReferenceBits()
    {
        LoadedModel.RequireVectors();
        var random = new Random(10);
        foreach (int length in Lengths)
        {
            float[] x = Activations(random, length), expected = new float[length], actual = new float[length];
            fixed (float* px = x, pe = expected, pa = actual)
            {
                ReferenceRows.Scale(px, 0.3f, pe, length);
                SimdRows<Width256>.Scale(px, 0.3f, pa, length);
            }

            RandomOperands.AssertSame(expected, actual, $"scale of {length}");
        }
    }

    public static TheoryData<ActivationKind> Kinds() => [.. Enum.GetValues<ActivationKind>()];

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public void Activate_AllRanges_HasReferenceBits(ActivationKind kind)
    {
        LoadedModel.RequireVectors();
        var random = new Random(3);
        float[] constants = kind == ActivationKind.Xielu ? [0.9f, 0.4f, 0.5f, -1e-6f] : [7f, 1.702f];
        foreach (int length in Lengths)
        {
            float[] gate = Activations(random, length), up = Activations(random, length);
            for (int i = 0; i < length; i += 3)
            {
                gate[i] = (float)((random.NextDouble() * 400) - 200);
            }

            float[] same = [.. gate], plain = [.. gate], samePlain = [.. gate];
            fixed (float* a = gate, b = same, c = plain, d = samePlain, u = up, p = constants)
            {
                var scalar = ActivationTable.LoopOf(kind, inVectors: false);
                var vector = ActivationTable.LoopOf(kind, inVectors: true);
                scalar(a, u, length, p);
                vector(b, u, length, p);
                if (kind != ActivationKind.ClampedSwiglu)
                {
                    scalar(c, null, length, p);
                    vector(d, null, length, p);
                }
            }

            RandomOperands.AssertSame(gate, same, $"{kind} of {length}");
            RandomOperands.AssertSame(plain, samePlain, $"{kind} of {length}, alone");
        }
    }

    /// <summary>In binary64 from the definitions.</summary>
    [Theory]
    [InlineData(ActivationKind.Silu, 1.5, 1.2263617)]
    [InlineData(ActivationKind.Gelu, -0.7, -0.16942987)]
    [InlineData(ActivationKind.GeluErf, -0.7, -0.16937456)]
    [InlineData(ActivationKind.GeluErf, 2.0, 1.9544997)]
    [InlineData(ActivationKind.GeluErf, -4.0, -0.00012668496)]
    [InlineData(ActivationKind.ReluSquared, 3.0, 9.0)]
    [InlineData(ActivationKind.Sigmoid, -2.0, 0.11920292)]
    [InlineData(ActivationKind.Xielu, 2.0, 4.6)]
    [InlineData(ActivationKind.Xielu, -1.0, -0.3528482)]
    [InlineData(ActivationKind.SoftCap, 14.0, 6.7481933)]
    [InlineData(ActivationKind.Clamp, -9.0, -7.0)]
    public void Activate_SomeNumbers_AreTheFunctions(ActivationKind kind, double x, double expected)
    {
        float y = (float)x;
        float[] constants = kind == ActivationKind.Xielu ? [0.9f, 0.4f, 0.5f, -1e-6f] : [7f, 1.702f];
        fixed (float* p = constants)
        {
            ActivationTable.LoopOf(kind, inVectors: false)(&y, null, 1, p);
        }

        Assert.Equal(expected, y, 3e-7 * Math.Max(Math.Abs(expected), 1e-3));
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
                SimdRows<Width256>.Add(b, px, length);
            }

            RandomOperands.AssertSame(y, same, $"sum of {length}");
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
                SimdRows<Width256>.RotateHalves(b, cosines, sines, pairs);
                RandomOperands.AssertSame(x, same, $"{pairs} pairs in halves");
                ReferenceRows.RotateNeighbours(a, cosines, sines, pairs);
                SimdRows<Width256>.RotateNeighbours(b, cosines, sines, pairs);
                RandomOperands.AssertSame(x, same, $"{pairs} pairs of neighbours");
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
                SimdRows<Width256>.WriteForms(values, new ActivationView(actual.Data, layout), 1, 0, cut);
                SimdRows<Width256>.WriteForms(values + cut, new ActivationView(actual.Data, layout), 1, cut, Columns - cut);
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

            Assert.True(RandomOperands.SameBits(sum, ((float*)(row + at))[i / length]), $"sum {i / length} of {length}");
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
    [InlineData(KvElement.F32, 64, 0, 64)]
    [InlineData(KvElement.F16, 64, 0, 64)]
    [InlineData(KvElement.F16, 64, 16, 48)]
    [InlineData(KvElement.F16, 80, 16, 32)]
    [InlineData(KvElement.F16, 64, 8, 40)]
    [InlineData(KvElement.F16, 24, 0, 24)]
    [InlineData(KvElement.Q8_0, 64, 0, 64)]
    [InlineData(KvElement.Q8_0, 128, 32, 64)]
    public void StoreCache_AnyPart_AgreesWithReference(KvElement element, int headSize, int first, int length)
    {
        LoadedModel.RequireVectors();
        const int Position = 5;
        var random = new Random(headSize + first);
        var kv = PanelLayout.Of(element, headSize, interleaves: true);
        using var expected = new GuardedBuffer(kv.Bytes);
        using var actual = new GuardedBuffer(kv.Bytes);
        for (int run = 0; run < 40; run++)
        {
            float[] x = Activations(random, length);
            if (run == 1)
            {
                x.AsSpan(0, Math.Min(32, length)).Clear();
            }
            else if (run is 2 or 3)
            {
                // Scales that are subnormal in f16, and such that 127 / amax overflows.
                x = [.. x.Select(v => v * (run == 2 ? 1e-6f : 1e-39f))];
            }

            fixed (float* values = x)
            {
                ReferenceRows.StoreCache(values, expected.Data, Position, first, length, kv);
                SimdRows<Width256>.StoreCache(values, actual.Data, Position, first, length, kv);
            }

            Assert.True(new Span<byte>(expected.Data, (int)expected.Length).SequenceEqual(new Span<byte>(actual.Data, (int)actual.Length)), $"run {run}");
            byte* row = kv.Row(actual.Data, Position);
            switch (element)
            {
                case KvElement.F32:
                    Assert.Equal(x[3], ((float*)row)[first + 3]);
                    break;
                case KvElement.F16:
                    Assert.Equal((float)(Half)x[3], (float)((Half*)row)[kv.IndexOf(first + 3)]);
                    break;
                default:
                    float amax = x.Take(32).Max(MathF.Abs);
                    float stored = (float)kv.Scales(actual.Data, Position)[first / 32] * ((sbyte*)row)[first + 3];
                    Assert.True(amax > 8e6f || Math.Abs(stored - x[3]) <= Math.Max(amax / 200, 1e-6f), $"{x[3]} is stored as {stored}");
                    break;
            }
        }
    }

    /// <summary>By hand: amax 254 has scale 2; halves go to even; the whole range of codes is used.</summary>
    [Fact]
    public void StoreCache_ScaledBytes_RoundsToEven()
    {
        var kv = PanelLayout.Of(KvElement.Q8_0, 32, interleaves: true);
        using var panel = new GuardedBuffer(kv.Bytes);
        var x = stackalloc float[32];
        new Span<float>(x, 32).Clear();
        (x[0], x[1], x[2], x[3], x[31]) = (1, 3, 5, -3, -254);
        ReferenceRows.StoreCache(x, panel.Data, 7, 0, 32, kv);
        Assert.Equal((Half)2, kv.Scales(panel.Data, 7)[0]);
        var codes = new Span<sbyte>(kv.Row(panel.Data, 7), 32);
        Assert.Equal<sbyte[]>([0, 2, 2, -2], codes[..4].ToArray());
        Assert.Equal(-127, codes[31]);
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
        RandomOperands.AssertSame([.. x.Select(NumericsMath.Exp)], y, "exp");
    }

    private static float[] Activations(Random random, int length)
    {
        float[] x = new float[length];
        RandomOperands.FillActivations(random, x);
        return x;
    }
}
