using System.Runtime.Intrinsics;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Kernels.Simd;

namespace LlmServe.Cpu.Tests.Kernels;

/// <summary>Vector conversions between f32 and binary16 against the runtime's own.</summary>
public unsafe class HalfConversionTests
{
    [SkippableFact]
    public void ToHalves_EveryHalfItsNeighboursAndMidpoints_RoundAsTheRuntimeDoes()
    {
        LoadedModel.RequireVectors();
        for (int bits = 0; bits < 1 << 16; bits++)
        {
            var half = BitConverter.UInt16BitsToHalf((ushort)bits);
            float value = (float)half;
            float next = (float)BitConverter.UInt16BitsToHalf((ushort)(bits ^ ((bits & 0x7fff) == 0x7bff ? 0 : 1)));
            float middle = (value + next) / 2;
            Check(value, MathF.BitIncrement(value), MathF.BitDecrement(value), middle, MathF.BitIncrement(middle), MathF.BitDecrement(middle), next, -middle);
        }
    }

    [SkippableFact]
    public void ToHalves_RandomBits_RoundAsTheRuntimeDoes()
    {
        LoadedModel.RequireVectors();
        var random = new Random(1);
        float[] x = new float[8];
        for (int round = 0; round < 50_000; round++)
        {
            for (int i = 0; i < 8; i++)
            {
                // Half of them with exponents where binary16 has numbers.
                uint bits = (uint)random.NextInt64(1L << 32);
                x[i] = BitConverter.UInt32BitsToSingle(i % 2 == 0 ? bits : (bits & 0x807fffff) | ((uint)random.Next(100, 145) << 23));
            }

            Check(x);
        }
    }

    [SkippableFact]
    public void ToHalves_Limits_AreAsTheRuntimeHasThem()
    {
        LoadedModel.RequireVectors();
        Check(65504f, 65519.996f, 65520f, float.MaxValue, float.PositiveInfinity, float.NegativeInfinity, float.NaN, -0f);
        Check(5.9604645e-8f, 2.9802322e-8f, 2.9802326e-8f, float.Epsilon, -float.Epsilon, 6.103515625e-5f, 6.1005e-5f, -2.9802322e-8f);
    }

    [SkippableFact]
    public void LoadHalves_EveryFiniteHalf_IsExact()
    {
        LoadedModel.RequireVectors();
        Half* source = stackalloc Half[16];
        float* widened = stackalloc float[16];
        for (int bits = 0; bits < 1 << 16; bits += 16)
        {
            if ((bits & 0x7c00) == 0x7c00)
            {
                continue;
            }

            for (int i = 0; i < 16; i++)
            {
                source[i] = BitConverter.UInt16BitsToHalf((ushort)(bits + i));
            }

            VectorMath.LoadHalves((byte*)source).Store(widened);
            AssertWidened(source, widened, 8);
            Simd128.Store(widened, Simd128.LoadHalves(source));
            AssertWidened(source, widened, 4);
            if (IsaSelector.IsSupported(CpuIsa.Avx2))
            {
                Simd256.Store(widened, Simd256.LoadHalves(source));
                AssertWidened(source, widened, 8);
            }

            if (Vector512.IsHardwareAccelerated)
            {
                Simd512.Store(widened, Simd512.LoadHalves(source));
                AssertWidened(source, widened, 16);
            }
        }
    }

    private static void AssertWidened(Half* source, float* widened, int count)
    {
        for (int i = 0; i < count; i++)
        {
            // Minus zero may lose its sign: it only ever enters sums that start from plus zero.
            Assert.True((float)source[i] == widened[i], $"{BitConverter.HalfToUInt16Bits(source[i]):x4} became {widened[i]:R}");
        }
    }

    private static void Check(params ReadOnlySpan<float> x)
    {
        var actual = VectorMath.ToHalves(Vector256.Create(x));
        for (int i = 0; i < 8; i++)
        {
            var expected = (Half)x[i];
            int bits = actual.GetElement(i);
            bool same = Half.IsNaN(expected)
                ? Half.IsNaN(BitConverter.UInt16BitsToHalf((ushort)bits))
                : BitConverter.HalfToUInt16Bits(expected) == bits;
            if (!same)
            {
                Assert.Fail($"{x[i]:R} became 0x{bits:x4}, expected 0x{BitConverter.HalfToUInt16Bits(expected):x4}");
            }
        }
    }
}
