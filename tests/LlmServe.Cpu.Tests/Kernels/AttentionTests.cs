using LlmServe.Compiler.Operations;
using System.Runtime.InteropServices;
using LlmServe.Compiler.Graph;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Kernels.Reference;
using LlmServe.Cpu.Kernels.Simd;
using LlmServe.Execution;

namespace LlmServe.Cpu.Tests.Kernels;

/// <summary>Attention kernels on random caches: vector = scalar, and any share of the work over lanes gives the same rows.</summary>
public unsafe class AttentionTests
{
    /// <summary>Positions at and around the borders of blocks and attention segments.</summary>
    private static readonly int[] BorderPositions = [0, 1, 2, 30, 31, 32, 33, 63, 64, 95, 200, 254, 255, 256, 257, 287, 288, 511, 512, 513, 600];

    [SkippableTheory]
    [InlineData(16, 2, 1)]
    [InlineData(32, 4, 4)]
    [InlineData(64, 9, 3)]
    [InlineData(80, 4, 2)]
    [InlineData(96, 6, 1)]
    [InlineData(128, 8, 2)]
    [InlineData(24, 4, 2)]
    [InlineData(8, 3, 3)]
    [InlineData(16, 11, 1)]
    [InlineData(48, 10, 2)]
    [InlineData(256, 7, 1)]
    public void Attend_RandomCache_HasReferenceBits(int headSize, int queryHeads, int keyHeads)
    {
        LoadedModel.RequireVectors();
        HasReferenceBits<SimdRows<Width256>>(headSize, queryHeads, keyHeads, BorderPositions);
    }

    /// <summary>The same with AVX-512: runs of 64 columns and what is left of them, up to nine heads together, every length of a block.</summary>
    [SkippableTheory]
    [InlineData(16, 2, 1)]
    [InlineData(32, 5, 1)]
    [InlineData(48, 10, 2)]
    [InlineData(64, 6, 6)]
    [InlineData(64, 9, 3)]
    [InlineData(64, 8, 1)]
    [InlineData(64, 9, 1)]
    [InlineData(80, 4, 2)]
    [InlineData(96, 6, 1)]
    [InlineData(128, 8, 2)]
    [InlineData(144, 3, 1)]
    [InlineData(256, 7, 1)]
    [InlineData(24, 4, 2)]
    public void Attend_RandomCacheInWideVectors_HasReferenceBits(int headSize, int queryHeads, int keyHeads)
    {
        RequireWideVectors();
        HasReferenceBits<SimdRows<Width512>>(headSize, queryHeads, keyHeads, [.. BorderPositions, .. Enumerable.Range(3, 27), .. Enumerable.Range(770, 33)]);
    }

    /// <summary>Queries that 2^112 makes infinite have a kernel of their own; heads together get it where one of them is such.</summary>
    [SkippableTheory]
    [InlineData(64, 9, 3)]
    [InlineData(48, 7, 1)]
    [InlineData(256, 2, 2)]
    public void Attend_LargeQueries_HasReferenceBits(int headSize, int queryHeads, int keyHeads)
    {
        LoadedModel.RequireVectors();
        LargeQueriesHaveReferenceBits<SimdRows<Width256>>(headSize, queryHeads, keyHeads);
    }

    [SkippableTheory]
    [InlineData(64, 9, 3)]
    [InlineData(80, 7, 1)]
    [InlineData(256, 2, 2)]
    public void Attend_LargeQueriesInWideVectors_HasReferenceBits(int headSize, int queryHeads, int keyHeads)
    {
        RequireWideVectors();
        LargeQueriesHaveReferenceBits<SimdRows<Width512>>(headSize, queryHeads, keyHeads);
    }

    [Theory]
    [InlineData(64, 6, 2, ActivationForms.Real)]
    [InlineData(64, 6, 2, CpuForms.Signed8)]
    [InlineData(80, 4, 2, CpuForms.Signed8)]
    [InlineData(80, 4, 2, ActivationForms.Real)]
    [InlineData(16, 4, 1, ActivationForms.Real | CpuForms.Signed8)]
    public void Attention_SharedOverLanes_WritesTheSameRows(int headSize, int queryHeads, int keyHeads, ActivationForms forms)
    {
        using var lab = new AttentionLab(headSize, queryHeads, keyHeads, KvElement.F16, [5, 40, 41, 255, 256], seed: 3);
        byte[] whole = lab.Share<ReferenceRows>(forms, lanes: 1, interleaved: false);
        Assert.Contains(whole, b => b != 0);
        for (int lanes = 2; lanes <= 8; lanes++)
        {
            Assert.True(whole.AsSpan().SequenceEqual(lab.Share<ReferenceRows>(forms, lanes, false)), $"{lanes} lanes");
        }
    }

    /// <summary>Prompt chunks of several lengths between single rows, as the scheduler mixes them.</summary>
    [SkippableTheory]
    [InlineData(64, 6, 2, KvElement.F16, ActivationForms.Real)]
    [InlineData(64, 9, 3, KvElement.F32, CpuForms.Signed8)]
    [InlineData(32, 4, 1, KvElement.F16, CpuForms.Signed8)]
    [InlineData(128, 2, 2, KvElement.F16, ActivationForms.Real)]
    [InlineData(80, 4, 2, KvElement.F16, ActivationForms.Real)]
    [InlineData(80, 4, 2, KvElement.F16, CpuForms.Signed8)]
    [InlineData(64, 9, 3, KvElement.Q8_0, CpuForms.Signed8)]
    [InlineData(96, 4, 1, KvElement.Q8_0, ActivationForms.Real)]
    public void Attention_ChunksAndSingleRowsMixed_HasReferenceBytes(int headSize, int queryHeads, int keyHeads, KvElement element, ActivationForms forms)
    {
        LoadedModel.RequireVectors();
        int[] positions = [7, .. Enumerable.Range(28, 5), 90, 3, .. Enumerable.Range(240, 37), 4, 5, 6, .. Enumerable.Range(0, 16), .. Enumerable.Range(500, 17), 600];
        using var lab = new AttentionLab(headSize, queryHeads, keyHeads, element, positions, seed: 5);
        byte[] expected = lab.Share<ReferenceRows>(forms, lanes: 1, interleaved: false);
        for (int lanes = 1; lanes <= 5; lanes++)
        {
            Assert.True(expected.AsSpan().SequenceEqual(lab.Share<SimdRows<Width256>>(forms, lanes, element == KvElement.F16)), $"{lanes} lanes");
        }
    }

    /// <summary>Cuts fall between rows, key heads, heads and segments; several lanes may share one head.</summary>
    [SkippableTheory]
    [InlineData(64, 9, 3, KvElement.F16, new[] { 2047 })]
    [InlineData(64, 9, 3, KvElement.F16, new[] { 100 })]
    [InlineData(64, 4, 1, KvElement.F16, new[] { 1300, 12, 255, 256, 900 })]
    [InlineData(32, 3, 3, KvElement.F16, new[] { 3000, 0, 70 })]
    [InlineData(16, 5, 1, KvElement.F16, new[] { 1023 })]
    [InlineData(48, 12, 2, KvElement.F16, new[] { 511, 300 })]
    [InlineData(64, 9, 3, KvElement.Q8_0, new[] { 1500, 31 })]
    [InlineData(32, 5, 1, KvElement.Q8_0, new[] { 700 })]
    public void Attention_LongRowsOverManyLanes_HasReferenceBytes(int headSize, int queryHeads, int keyHeads, KvElement element, int[] positions)
    {
        LoadedModel.RequireVectors();
        using var lab = new AttentionLab(headSize, queryHeads, keyHeads, element, positions, seed: 11);
        byte[] expected = lab.Share<ReferenceRows>(ActivationForms.Real, lanes: 1, interleaved: false);
        Assert.DoesNotContain(MemoryMarshal.Cast<byte, float>(expected).ToArray(), float.IsNaN);
        foreach (int lanes in (int[])[1, 2, 3, 4, 5, 7, 8, 13, 40])
        {
            Assert.True(expected.AsSpan().SequenceEqual(lab.Share<ReferenceRows>(ActivationForms.Real, lanes, interleaved: false)), $"scalar, {lanes} lanes");
            Assert.True(expected.AsSpan().SequenceEqual(lab.Share<SimdRows<Width256>>(ActivationForms.Real, lanes, element == KvElement.F16)), $"vectors, {lanes} lanes");
        }
    }

    private static void HasReferenceBits<TRows>(int headSize, int queryHeads, int keyHeads, int[] positions) where TRows : struct, IRowKernels<TRows>
    {
        foreach (var element in Enum.GetValues<KvElement>().Where(e => e != KvElement.Q8_0 || headSize % KvBlock.ScaledRun == 0))
        {
            using var lab = new AttentionLab(headSize, queryHeads, keyHeads, element, positions, seed: headSize);
            float[] expected = lab.Attend<ReferenceRows>(interleaved: false, firstHead: 0, queryHeads);
            RandomOperands.AssertSame(expected, lab.Attend<TRows>(element == KvElement.F16 && headSize % 16 == 0, 0, queryHeads), $"{element} heads of {headSize}");

            // A part of the heads, across a border of key heads.
            int first = queryHeads > 2 ? 1 : 0, count = queryHeads - first - (queryHeads > 3 ? 1 : 0);
            float[] part = lab.Attend<TRows>(element == KvElement.F16 && headSize % 16 == 0, first, count);
            for (int row = 0; row < positions.Length; row++)
            {
                RandomOperands.AssertSame(
                    expected.AsSpan(((row * queryHeads) + first) * headSize, count * headSize), part.AsSpan(row * count * headSize, count * headSize), $"heads {first} to {first + count}");
            }
        }
    }

    private static void LargeQueriesHaveReferenceBits<TRows>(int headSize, int queryHeads, int keyHeads) where TRows : struct, IRowKernels<TRows>
    {
        foreach (float largest in (float[])[32767, 32768, 70000, 1e20f])
        {
            using var lab = new AttentionLab(headSize, queryHeads, keyHeads, KvElement.F16, [0, 31, 70, 256, 300], seed: 13, largestQuery: largest);
            RandomOperands.AssertSame(lab.Attend<ReferenceRows>(interleaved: false, 0, queryHeads), lab.Attend<TRows>(interleaved: true, 0, queryHeads), $"queries up to {largest}");
        }
    }

    private static void RequireWideVectors() => Skip.IfNot(IsaSelector.IsSupported(CpuIsa.Avx512), "SKIPPED: this processor has no AVX-512");

    /// <summary>Several rows, so that what is read ahead belongs to other key heads and rows.</summary>
    [SkippableTheory]
    [InlineData(64, 9, 3, KvElement.F16)]
    [InlineData(128, 8, 2, KvElement.F32)]
    [InlineData(96, 5, 1, KvElement.Q8_0)]
    public void Attention_RowsInWideVectors_HasReferenceBytes(int headSize, int queryHeads, int keyHeads, KvElement element)
    {
        RequireWideVectors();
        int[] positions = [99, 1300, 3, 255, 256, .. Enumerable.Range(40, 9), 31];
        using var lab = new AttentionLab(headSize, queryHeads, keyHeads, element, positions, seed: 17);
        byte[] expected = lab.Share<ReferenceRows>(CpuForms.Signed8, lanes: 1, interleaved: false);
        foreach (int lanes in (int[])[1, 2, 3, 7])
        {
            Assert.True(expected.AsSpan().SequenceEqual(lab.Share<SimdRows<Width512>>(CpuForms.Signed8, lanes, element == KvElement.F16)), $"{lanes} lanes");
        }
    }

    [Fact]
    public void UnitAt_EveryCost_CutsWhereTheMiddleOfAUnitIsReached()
    {
        foreach (var (positions, heads) in ((int, int)[])[(1, 1), (256, 3), (257, 3), (700, 4), (2048, 9)])
        {
            var item = new AttentionItem(0, positions - 1, heads);
            Assert.Equal(0, item.UnitAt(-5));
            Assert.Equal(0, item.UnitAt(0));
            Assert.Equal(item.Units, item.UnitAt(item.Cost));
            long start = 0;
            for (int unit = 0; unit < item.Units; unit++)
            {
                int length = Math.Min(256, positions - (unit / heads * 256)) + 16;
                Assert.Equal(unit, item.UnitAt(start + (length / 2)));
                Assert.Equal(unit + 1, item.UnitAt(start + (length / 2) + 1));
                start += length;
            }

            Assert.Equal(start, item.Cost);
        }
    }

    [Fact]
    public void Head_EqualValues_AreTheirOwnMean()
    {
        // Whatever the weights are, they sum to what divides them.
        using var lab = new AttentionLab(32, 2, 1, KvElement.F32, [3, 300], seed: 9, values: 0.5f);
        Assert.All(lab.Attend<ReferenceRows>(false, 0, 2), y => Assert.Equal(0.5f, y, 1e-5f));
    }

    /// <summary>What layers differ in: windows and chunks that begin within blocks and segments, capped scores, sinks, keys and values of different sizes.</summary>
    public static TheoryData<string> Variants() => [.. Shapes.Keys];

    private static readonly Dictionary<string, AttentionShape> Shapes = new()
    {
        ["window"] = Shape(6, 2, 64, 64) with { Visibility = new KvVisibility(Window: 37) },
        ["long window"] = Shape(4, 1, 32, 32) with { Visibility = new KvVisibility(Window: 300) },
        ["chunk"] = Shape(4, 2, 48, 48) with { Visibility = new KvVisibility(Chunk: 70) },
        ["window of one"] = Shape(3, 3, 16, 16) with { Visibility = new KvVisibility(Window: 1) },
        ["cap"] = Shape(6, 3, 64, 64) with { SoftCap = 3 },
        ["cap and window"] = Shape(8, 1, 80, 80) with { SoftCap = 2, Visibility = new KvVisibility(Window: 45) },
        ["sinks"] = Shape(6, 2, 64, 64) with { HasSinks = true },
        ["sinks and window"] = Shape(4, 4, 32, 32) with { HasSinks = true, Visibility = new KvVisibility(Window: 20) },
        ["short values"] = Shape(6, 2, 96, 64),
        ["long values"] = Shape(4, 2, 32, 64),
        ["long heads"] = Shape(4, 2, 512, 512),
        ["odd long heads"] = Shape(3, 1, 272, 272) with { Visibility = new KvVisibility(Window: 37) },
        ["values in keys"] = Shape(18, 1, 96, 64) with { ValuesInKeys = true },
        ["long values in keys"] = Shape(5, 1, 576, 512) with { ValuesInKeys = true },
        ["heads of 24"] = Shape(4, 2, 24, 24) with { Visibility = new KvVisibility(Window: 37), SoftCap = 5, HasSinks = true },
    };

    [SkippableTheory]
    [MemberData(nameof(Variants))]
    public void Attention_Variants_HasReferenceBytes(string name)
    {
        LoadedModel.RequireVectors();
        var shape = Shapes[name];
        int[] positions = [7, .. Enumerable.Range(28, 5), 90, 3, .. Enumerable.Range(240, 37), 4, 5, 6, .. Enumerable.Range(0, 16), .. Enumerable.Range(500, 17), 600, 255, 256];
        foreach (var element in Enum.GetValues<KvElement>().Where(e => e != KvElement.Q8_0 || (shape.KeySize % KvBlock.ScaledRun == 0 && shape.ValueSize % KvBlock.ScaledRun == 0)))
        {
            bool interleaves = element == KvElement.F16;
            using var lab = new AttentionLab(shape, element, positions, seed: 21);
            byte[] expected = lab.Share<ReferenceRows>(ActivationForms.Real, lanes: 1, interleaved: false);
            Assert.DoesNotContain(MemoryMarshal.Cast<byte, float>(expected).ToArray(), float.IsNaN);
            foreach (int lanes in (int[])[1, 2, 3, 7])
            {
                Assert.True(expected.AsSpan().SequenceEqual(lab.Share<ReferenceRows>(ActivationForms.Real, lanes, interleaved: false)), $"{element}, scalar, {lanes} lanes");
                Assert.True(expected.AsSpan().SequenceEqual(lab.Share<SimdRows<Width256>>(ActivationForms.Real, lanes, interleaves)), $"{element}, vectors, {lanes} lanes");
                if (IsaSelector.IsSupported(CpuIsa.Avx512))
                {
                    Assert.True(expected.AsSpan().SequenceEqual(lab.Share<SimdRows<Width512>>(ActivationForms.Real, lanes, interleaves)), $"{element}, wide vectors, {lanes} lanes");
                }
            }
        }
    }

    /// <summary>What lies behind a window is not looked at, whatever it is.</summary>
    [SkippableFact]
    public void Attention_BlocksBehindTheWindow_AreNotRead()
    {
        LoadedModel.RequireVectors();
        var shape = Shapes["window"];
        int[] positions = [.. Enumerable.Range(140, 9), 300, 700];
        using var lab = new AttentionLab(shape, KvElement.F32, positions, seed: 22);
        byte[] expected = lab.Share<SimdRows<Width256>>(ActivationForms.Real, 2, interleaved: false);

        lab.Forget(table => table < shape.Visibility.First(140) / KvBlock.Positions);

        Assert.True(expected.AsSpan().SequenceEqual(lab.Share<SimdRows<Width256>>(ActivationForms.Real, 2, interleaved: false)));
        Assert.True(expected.AsSpan().SequenceEqual(lab.Share<ReferenceRows>(ActivationForms.Real, 3, interleaved: false)));
    }

    private static AttentionShape Shape(int queryHeads, int keyHeads, int keySize, int valueSize) =>
        new() { QueryHeads = queryHeads, KeyHeads = keyHeads, KeySize = keySize, ValueSize = valueSize, Scale = 1 / MathF.Sqrt(keySize) };
}
