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
    [InlineData(64, 6, 2, ActivationForms.Signed8)]
    [InlineData(80, 4, 2, ActivationForms.Signed8)]
    [InlineData(80, 4, 2, ActivationForms.Real)]
    [InlineData(16, 4, 1, ActivationForms.Real | ActivationForms.Signed8)]
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
    [InlineData(64, 9, 3, KvElement.F32, ActivationForms.Signed8)]
    [InlineData(32, 4, 1, KvElement.F16, ActivationForms.Signed8)]
    [InlineData(128, 2, 2, KvElement.F16, ActivationForms.Real)]
    [InlineData(80, 4, 2, KvElement.F16, ActivationForms.Real)]
    [InlineData(80, 4, 2, KvElement.F16, ActivationForms.Signed8)]
    [InlineData(64, 9, 3, KvElement.Q8_0, ActivationForms.Signed8)]
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
            KernelLab.AssertSame(expected, lab.Attend<TRows>(element == KvElement.F16 && headSize % 16 == 0, 0, queryHeads), $"{element} heads of {headSize}");

            // A part of the heads, across a border of key heads.
            int first = queryHeads > 2 ? 1 : 0, count = queryHeads - first - (queryHeads > 3 ? 1 : 0);
            float[] part = lab.Attend<TRows>(element == KvElement.F16 && headSize % 16 == 0, first, count);
            for (int row = 0; row < positions.Length; row++)
            {
                KernelLab.AssertSame(
                    expected.AsSpan(((row * queryHeads) + first) * headSize, count * headSize), part.AsSpan(row * count * headSize, count * headSize), $"heads {first} to {first + count}");
            }
        }
    }

    private static void LargeQueriesHaveReferenceBits<TRows>(int headSize, int queryHeads, int keyHeads) where TRows : struct, IRowKernels<TRows>
    {
        foreach (float largest in (float[])[32767, 32768, 70000, 1e20f])
        {
            using var lab = new AttentionLab(headSize, queryHeads, keyHeads, KvElement.F16, [0, 31, 70, 256, 300], seed: 13, largestQuery: largest);
            KernelLab.AssertSame(lab.Attend<ReferenceRows>(interleaved: false, 0, queryHeads), lab.Attend<TRows>(interleaved: true, 0, queryHeads), $"queries up to {largest}");
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
        byte[] expected = lab.Share<ReferenceRows>(ActivationForms.Signed8, lanes: 1, interleaved: false);
        foreach (int lanes in (int[])[1, 2, 3, 7])
        {
            Assert.True(expected.AsSpan().SequenceEqual(lab.Share<SimdRows<Width512>>(ActivationForms.Signed8, lanes, element == KvElement.F16)), $"{lanes} lanes");
        }
    }

    [Fact]
    public void UnitAt_EveryCost_CutsWhereTheMiddleOfAUnitIsReached()
    {
        foreach (var (positions, heads) in ((int, int)[])[(1, 1), (256, 3), (257, 3), (700, 4), (2048, 9)])
        {
            var item = new AttentionItem(positions, heads);
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
}

/// <summary>One layer's cache, filled once in plain and once in interleaved order, and the rows of a tick over it.</summary>
internal sealed unsafe class AttentionLab : IDisposable
{
    private readonly int _headSize, _queryHeads, _rows;
    private readonly GuardedBuffer[] _caches = new GuardedBuffer[2];
    private readonly GuardedBuffer _queries;
    private readonly int[] _tables, _positionTable, _slots;
    private TickState _tick;

    public AttentionLab(int headSize, int queryHeads, int keyHeads, KvElement element, int[] positions, int seed, float? values = null, float? largestQuery = null)
    {
        (_headSize, _queryHeads, _rows) = (headSize, queryHeads, positions.Length);
        var random = new Random(seed);
        int blocks = KvBlock.CountFor(positions.Max() + 1);
        _tables = GC.AllocateArray<int>(2 * blocks, pinned: true);
        int[] order = [.. Enumerable.Range(0, blocks)];
        random.Shuffle(order);
        order.CopyTo(_tables, blocks);
        _positionTable = GC.AllocateArray<int>(_rows, pinned: true);
        positions.CopyTo(_positionTable, 0);
        _slots = GC.AllocateArray<int>(_rows, pinned: true);
        Array.Fill(_slots, 1);
        var kv = new KvLayout { Element = element, KeyHeads = keyHeads, HeadSize = headSize, BlockBytes = 2L * keyHeads * KvBlock.Positions * KvBlock.RowBytes(element, headSize) };
        for (int i = 0; i < 2; i++)
        {
            _caches[i] = new GuardedBuffer(kv.BlockBytes * blocks);
        }

        _queries = new GuardedBuffer((long)_rows * queryHeads * headSize * sizeof(float));
        for (int i = 0; i < _rows * queryHeads * headSize; i++)
        {
            _queries.Floats[i] = KernelLab.RandomActivation(random);
        }

        if (largestQuery is { } largest)
        {
            // Small ones among them keep the scores of some heads apart from infinity.
            for (int i = 0; i < _rows * queryHeads; i += 2)
            {
                _queries.Floats[(i * headSize) + random.Next(headSize)] = i % 4 == 0 ? largest : -largest;
            }
        }

        _tick = new TickState
        {
            Rows = _rows,
            Kv = kv,
            BlocksPerSlot = blocks,
            Positions = Pointer(_positionTable),
            Slots = Pointer(_slots),
            BlockTables = Pointer(_tables),
            Shape = new ShapeConstants
            {
                QueryHeads = queryHeads,
                KeyHeads = keyHeads,
                HeadSize = headSize,
                HeadsPerKeyHead = queryHeads / keyHeads,
                AttentionScale = 1 / MathF.Sqrt(headSize),
            },
        };
        Fill(random, blocks, keyHeads, values);
    }

    /// <summary>Attention of some heads of all rows, segment by segment. [rows, heads, head size]</summary>
    public float[] Attend<TRows>(bool interleaved, int firstHead, int heads) where TRows : struct, IRowKernels<TRows>
    {
        var tick = TickOver(interleaved);
        int group = tick.Shape.HeadsPerKeyHead;
        using var output = new GuardedBuffer((long)_rows * heads * _headSize * sizeof(float));
        for (int row = 0; row < _rows; row++)
        {
            for (int head = firstHead, count; head < firstHead + heads; head += count)
            {
                int keyHead = head / group;
                count = Math.Min(firstHead + heads, (keyHead + 1) * group) - head;
                float* query = _queries.Floats + (((row * _queryHeads) + head) * _headSize);
                Segments<TRows>(&tick, query, row, keyHead, count, output.Floats + (((row * heads) + head - firstHead) * _headSize));
            }
        }

        return new Span<float>(output.Floats, _rows * heads * _headSize).ToArray();
    }

    private void Segments<TRows>(TickState* tick, float* query, int row, int keyHead, int heads, float* output) where TRows : struct, IRowKernels<TRows>
    {
        using var o = new GuardedBuffer((long)heads * _headSize * sizeof(float));
        using var stats = new GuardedBuffer((long)heads * 2 * sizeof(float));
        using var whole = new GuardedBuffer((long)heads * 2 * sizeof(float));
        TRows.AttendSegment(tick, query, row, 0, keyHead, heads, 0, output, whole.Floats);
        for (int segment = 1; segment < AttentionSegment.CountFor(tick->Positions[row] + 1); segment++)
        {
            TRows.AttendSegment(tick, query, row, 0, keyHead, heads, segment, o.Floats, stats.Floats);
            for (int head = 0; head < heads; head++)
            {
                TRows.JoinSegment(output + (head * _headSize), whole.Floats + (2 * head), o.Floats + (head * _headSize), stats.Floats + (2 * head), _headSize);
            }
        }

        for (int head = 0; head < heads; head++)
        {
            TRows.Divide(output + (head * _headSize), whole.Floats[(2 * head) + 1], _headSize);
        }
    }

    /// <summary>The output buffer after the attention steps of every lane, and then their joins.</summary>
    public byte[] Share<TRows>(ActivationForms forms, int lanes, bool interleaved) where TRows : struct, IRowKernels<TRows>
    {
        var tick = TickOver(interleaved);
        int columns = _queryHeads * _headSize;
        var layout = new ActivationLayout(forms, columns);
        using var output = new GuardedBuffer((long)_rows * layout.RowBytes);
        int floats = Math.Max(columns, AttentionTile.ScratchFloats(_headSize, tick.Shape.HeadsPerKeyHead));
        using var scratch = new GuardedBuffer((long)floats * sizeof(float));
        int segments = AttentionSegment.CountFor(_positionTable.Max() + 1);
        var parts = new ActivationLayout(ActivationForms.Real, (2 + (lanes == 1 ? 0 : segments)) * LaneParts.SlotFloats(tick.Shape.HeadsPerKeyHead, _headSize));
        using var partMemory = new GuardedBuffer((long)lanes * parts.RowBytes);
        new Span<float>(partMemory.Floats, lanes * parts.RowBytes / sizeof(float)).Fill(float.NaN);
        for (int l = 2 * lanes - 1; l >= 0; l--)
        {
            int index = l % lanes;
            var lane = new LaneState { Lane = index, Lanes = lanes, Tick = &tick, Scratch = scratch.Data };
            var step = new Step
            {
                Input = new ActivationView(_queries.Data, new ActivationLayout(ActivationForms.Real, columns)),
                Output = new ActivationView(output.Data, layout),
                Parts = new ActivationView(partMemory.Data, parts),
                Begin = index,
                End = index + 1,
            };
            if (l >= lanes)
            {
                Steps<TRows>.Attention(&step, &lane);
            }
            else
            {
                Steps<TRows>.JoinAttention(&step, &lane);
            }
        }

        return new Span<byte>(output.Data, (int)output.Length).ToArray();
    }

    public void Dispose()
    {
        Array.ForEach(_caches, cache => cache.Dispose());
        _queries.Dispose();
    }

    private TickState TickOver(bool interleaved)
    {
        var tick = _tick;
        tick.Kv.Data = _caches[interleaved ? 1 : 0].Data;
        tick.Kv.Interleaved = interleaved;
        return tick;
    }

    private void Fill(Random random, int blocks, int keyHeads, float? values)
    {
        float* row = stackalloc float[_headSize];
        for (int i = 0; i < blocks * keyHeads * 2 * KvBlock.Positions; i++)
        {
            bool isValue = i / KvBlock.Positions % 2 == 1;
            for (int k = 0; k < _headSize; k++)
            {
                row[k] = isValue && values is { } fixedValue ? fixedValue : KernelLab.RandomActivation(random);
            }

            for (int order = 0; order < (_headSize % 16 == 0 ? 2 : 1); order++)
            {
                var kv = TickOver(order == 1).Kv;
                ReferenceRows.StoreCache(row, kv.Data + ((long)(i / KvBlock.Positions) * kv.PanelBytes), i % KvBlock.Positions, 0, _headSize, kv);
            }
        }
    }

    private static int* Pointer(int[] pinned) => (int*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref pinned[0]);
}
