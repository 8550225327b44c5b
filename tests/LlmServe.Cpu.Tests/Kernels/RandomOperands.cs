using System.Buffers.Binary;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Tests.Kernels;

/// <summary>Matrices of random blocks and random activations for kernel tests.</summary>
internal static class RandomOperands
{
    /// <summary>Byte offsets of the binary16 numbers in a block; all other bytes may hold anything.</summary>
    private static readonly Dictionary<GgmlType, int[]> Halves = new()
    {
        [GgmlType.Q8_0] = [0],
        [GgmlType.Q4_0] = [0],
        [GgmlType.Q4_1] = [0, 2],
        [GgmlType.Q5_0] = [0],
        [GgmlType.Q5_1] = [0, 2],
        [GgmlType.Q2_K] = [80, 82],
        [GgmlType.Q3_K] = [108],
        [GgmlType.Q4_K] = [0, 2],
        [GgmlType.Q5_K] = [0, 2],
        [GgmlType.Q6_K] = [208],
        [GgmlType.IQ4_NL] = [0],
        [GgmlType.IQ4_XS] = [0],
        [GgmlType.IQ1_S] = [0],
        [GgmlType.IQ2_XXS] = [0],
        [GgmlType.IQ2_XS] = [0],
        [GgmlType.IQ2_S] = [0],
        [GgmlType.IQ3_XXS] = [0],
        [GgmlType.IQ3_S] = [0],
        [GgmlType.TQ1_0] = [52],
        [GgmlType.TQ2_0] = [64],
        [GgmlType.Q1_0] = [0],
        [GgmlType.Q2_0] = [0],
        [GgmlType.F16] = [0],
        [GgmlType.BF16] = [0],
    };

    /// <summary>The formats with quantized matrix kernels.</summary>
    public static IEnumerable<GgmlType> Quantized => BlockFormat.All.Where(format => format.Kind is not null).Select(format => format.Type);

    /// <summary>Columns of a matrix come in this unit: whole blocks, and pieces of 32.</summary>
    public static int ColumnsOf(GgmlType type) => Math.Max(32, BlockFormat.Get(type).BlockSize);

    /// <summary>Sets the binary16 numbers of a block; formats whose scales are something else are left as they are.</summary>
    public static void SetHalves(Span<byte> block, GgmlType type, Func<ushort> next)
    {
        if (type == GgmlType.IQ1_M)
        {
            // Its four nibbles stand on top of four 16-bit numbers.
            int bits = next();
            for (int i = 0; i < 4; i++)
            {
                block[49 + (2 * i)] = (byte)((block[49 + (2 * i)] & 15) | (bits >> (4 * i) & 15) << 4);
            }
        }

        foreach (int at in Halves.GetValueOrDefault(type, []))
        {
            BinaryPrimitives.WriteUInt16LittleEndian(block[at..], next());
        }
    }

    /// <summary>Rows of blocks as a file could hold them, all bits random, scales finite.</summary>
    public static byte[] RandomWeights(Random random, GgmlType type, int rows, int columns)
    {
        var format = BlockFormat.Get(type);
        byte[] data = new byte[format.BytesOf((long)rows * columns)];
        random.NextBytes(data);
        if (type == GgmlType.F32)
        {
            for (int i = 0; i < data.Length; i += 4)
            {
                BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(i), RandomActivation(random));
            }
        }
        else
        {
            int step = format.IsQuantized ? format.BlockBytes : 2;
            for (int block = 0; block < data.Length; block += step)
            {
                SetHalves(data.AsSpan(block, step), type, () => RandomScale(random, type));
            }
        }

        return data;
    }

    /// <summary>Activations of one of several characters, chosen at random.</summary>
    public static void FillActivations(Random random, Span<float> x)
    {
        int character = random.Next(8);
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = character switch
            {
                0 => random.Next(2) == 0 ? 1f : -1f,
                1 => 2.5f,
                2 => (i / 32) % 2 == 0 ? 0f : RandomActivation(random),
                3 => RandomActivation(random) * 1e-38f,
                4 => RandomActivation(random) * 1e30f,
                5 => (i / 32) % 3 == 0 ? RandomActivation(random) * 3e-38f : -1f,
                6 => i % 32 == 7 ? 1000f : RandomActivation(random),
                _ => RandomActivation(random),
            };
        }
    }

    /// <summary>Bits of two results are equal; every NaN counts as the same.</summary>
    public static bool SameBits(float a, float b) =>
        BitConverter.SingleToUInt32Bits(a) == BitConverter.SingleToUInt32Bits(b) || (float.IsNaN(a) && float.IsNaN(b));

    /// <summary>Fails at the first difference.</summary>
    public static void AssertSame(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (!SameBits(expected[i], actual[i]))
            {
                Assert.Fail($"{what}: element {i} is {actual[i]:R} (0x{BitConverter.SingleToUInt32Bits(actual[i]):x8}), expected {expected[i]:R} (0x{BitConverter.SingleToUInt32Bits(expected[i]):x8})");
            }
        }
    }

    /// <summary>A number near 1, of either sign.</summary>
    public static float RandomActivation(Random random) => (float)((random.NextDouble() * 2) - 1) * MathF.Pow(4, random.Next(-2, 3));

    private static ushort RandomScale(Random random, GgmlType type)
    {
        int choice = random.Next(type == GgmlType.BF16 ? 1 : 12);
        var half = choice switch
        {
            0 when type == GgmlType.BF16 => BitConverter.UInt16BitsToHalf((ushort)(BitConverter.SingleToUInt32Bits(RandomActivation(random)) >> 16)),
            0 => (Half)0f,
            1 => (Half)(-0f),
            2 => BitConverter.UInt16BitsToHalf((ushort)random.Next(1, 0x400)),
            3 => BitConverter.UInt16BitsToHalf((ushort)(0x8000 | random.Next(1, 0x400))),
            4 => Half.MaxValue,
            5 => Half.MinValue,
            _ => (Half)(RandomActivation(random) * 0.01f),
        };
        return BitConverter.HalfToUInt16Bits(half);
    }
}
