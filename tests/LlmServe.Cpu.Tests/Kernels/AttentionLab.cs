using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Kernels.Reference;
using LlmServe.Cpu.Kernels.Simd;
using LlmServe.Execution;

namespace LlmServe.Cpu.Tests.Kernels;

/// <summary>One layer's cache, filled once in plain and once in interleaved order, and the rows of a tick over it.</summary>
internal sealed unsafe class AttentionLab : IDisposable
{
    private readonly AttentionShape _shape;
    private readonly int _rows, _blocks;
    private readonly KvElement _element;
    private readonly GuardedBuffer[] _caches = new GuardedBuffer[2];
    private readonly GuardedBuffer _queries;
    private readonly int[] _tables, _positionTable, _slots;
    private readonly float[] _sinks;
    private readonly TickState _tick;

    public AttentionLab(int headSize, int queryHeads, int keyHeads, KvElement element, int[] positions, int seed, float? values = null, float? largestQuery = null)
        : this(
            new AttentionShape { QueryHeads = queryHeads, KeyHeads = keyHeads, KeySize = headSize, ValueSize = headSize, Scale = 1 / MathF.Sqrt(headSize) },
            element, positions, seed, values, largestQuery)
    {
    }

    public AttentionLab(AttentionShape shape, KvElement element, int[] positions, int seed, float? values = null, float? largestQuery = null)
    {
        (_shape, _element, _rows) = (shape, element, positions.Length);
        var random = new Random(seed);
        _blocks = KvBlock.CountFor(positions.Max() + 1);
        _tables = GC.AllocateArray<int>(2 * _blocks, pinned: true);
        int[] order = [.. Enumerable.Range(0, _blocks)];
        random.Shuffle(order);
        order.CopyTo(_tables, _blocks);
        _positionTable = GC.AllocateArray<int>(_rows, pinned: true);
        positions.CopyTo(_positionTable, 0);
        _slots = GC.AllocateArray<int>(_rows, pinned: true);
        Array.Fill(_slots, 1);
        _sinks = GC.AllocateArray<float>(shape.QueryHeads, pinned: true);
        for (int i = 0; i < _sinks.Length; i++)
        {
            _sinks[i] = (float)((random.NextDouble() * 6) - 3);
        }

        for (int i = 0; i < 2; i++)
        {
            _caches[i] = new GuardedBuffer(Layout(i == 1).LayerBytes * _blocks);
        }

        _queries = new GuardedBuffer((long)_rows * shape.QueryHeads * shape.KeySize * sizeof(float));
        for (int i = 0; i < _rows * shape.QueryHeads * shape.KeySize; i++)
        {
            _queries.Floats[i] = RandomOperands.RandomActivation(random);
        }

        if (largestQuery is { } largest)
        {
            // Small ones among them keep the scores of some heads apart from infinity.
            for (int i = 0; i < _rows * shape.QueryHeads; i += 2)
            {
                _queries.Floats[(i * shape.KeySize) + random.Next(shape.KeySize)] = i % 4 == 0 ? largest : -largest;
            }
        }

        _tick = new TickState { Rows = _rows, Positions = Pointer(_positionTable), Slots = Pointer(_slots) };
        Fill(random, values);
    }

    /// <summary>Attention of some heads of all rows, segment by segment. [rows, heads, head size]</summary>
    public float[] Attend<TRows>(bool interleaved, int firstHead, int heads) where TRows : struct, IRowKernels<TRows>
    {
        var tick = _tick;
        var layer = LayerOver(interleaved);
        int group = _shape.HeadsPerKeyHead, size = _shape.KeySize;
        using var output = new GuardedBuffer((long)_rows * heads * size * sizeof(float));
        for (int row = 0; row < _rows; row++)
        {
            for (int head = firstHead, count; head < firstHead + heads; head += count)
            {
                int keyHead = head / group;
                count = Math.Min(firstHead + heads, (keyHead + 1) * group) - head;
                float* query = _queries.Floats + (((row * _shape.QueryHeads) + head) * size);
                Segments<TRows>(&layer, &tick, query, row, keyHead, count, output.Floats + (((row * heads) + head - firstHead) * size));
            }
        }

        return new Span<float>(output.Floats, _rows * heads * size).ToArray();
    }

    private void Segments<TRows>(LayerAttention* layer, TickState* tick, float* query, int row, int keyHead, int heads, float* output) where TRows : struct, IRowKernels<TRows>
    {
        int size = _shape.ValueSize;
        using var o = new GuardedBuffer((long)heads * size * sizeof(float));
        using var stats = new GuardedBuffer((long)heads * 2 * sizeof(float));
        using var whole = new GuardedBuffer((long)heads * 2 * sizeof(float));
        TRows.AttendSegment(layer, tick, query, row, keyHead, heads, 0, output, whole.Floats);
        for (int segment = 1; segment < AttentionSegment.CountFor(tick->Positions[row] + 1); segment++)
        {
            TRows.AttendSegment(layer, tick, query, row, keyHead, heads, segment, o.Floats, stats.Floats);
            for (int head = 0; head < heads; head++)
            {
                TRows.JoinSegment(output + (head * size), whole.Floats + (2 * head), o.Floats + (head * size), stats.Floats + (2 * head), size);
            }
        }

        for (int head = 0; head < heads; head++)
        {
            TRows.Divide(output + (head * size), whole.Floats[(2 * head) + 1], size);
        }
    }

    /// <summary>The output buffer after the attention steps of every lane, and then their joins.</summary>
    public byte[] Share<TRows>(ActivationForms forms, int lanes, bool interleaved) where TRows : struct, IRowKernels<TRows>
    {
        var tick = _tick;
        var layer = LayerOver(interleaved);
        var layout = new ActivationLayout(forms, _shape.QueryHeads * _shape.ValueSize);
        using var output = new GuardedBuffer((long)_rows * layout.RowBytes);
        using var scratch = new GuardedBuffer((long)Math.Max(layout.Columns, AttentionTile.ScratchFloats(_shape)) * sizeof(float));
        var parts = new ActivationLayout(ActivationForms.Real, LaneParts.Floats(_shape, lanes, _rows, _blocks * KvBlock.Positions));
        using var partMemory = new GuardedBuffer((long)lanes * parts.RowBytes);
        new Span<float>(partMemory.Floats, lanes * parts.RowBytes / sizeof(float)).Fill(float.NaN);
        for (int l = 2 * lanes - 1; l >= 0; l--)
        {
            int index = l % lanes;
            var lane = new LaneState { Lane = index, Lanes = lanes, Tick = &tick, Scratch = scratch.Data };
            var step = new Step
            {
                Input = new ActivationView(_queries.Data, new ActivationLayout(ActivationForms.Real, _shape.QueryHeads * _shape.KeySize)),
                Output = new ActivationView(output.Data, layout),
                Parts = new ActivationView(partMemory.Data, parts),
                Detail = &layer,
                FirstShare = index,
                EndShare = index + 1,
                Copies = 1,
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

    /// <summary>Points entries of the block table to no block.</summary>
    public void Forget(Func<int, bool> entries)
    {
        for (int i = 0; i < _blocks; i++)
        {
            _tables[_blocks + i] = entries(i) ? -1000 : _tables[_blocks + i];
        }
    }

    public void Dispose()
    {
        Array.ForEach(_caches, cache => cache.Dispose());
        _queries.Dispose();
    }

    private CacheLayout Layout(bool interleaved)
    {
        var layout = CacheLayout.Of(new LayerCache(0, "cache", _shape.KeyHeads, _shape.KeySize, _shape.ValueSize, _shape.ValuesInKeys, _shape.Visibility), _element, interleaved);
        layout.BlockBytes = layout.LayerBytes;
        layout.BlockTables = Pointer(_tables);
        layout.BlocksPerSlot = _blocks;
        return layout;
    }

    private LayerAttention LayerOver(bool interleaved)
    {
        var layout = Layout(interleaved);
        layout.Data = _caches[interleaved ? 1 : 0].Data;
        return LayerAttention.Of(_shape, layout, _shape.HasSinks ? (float*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _sinks[0]) : null);
    }

    private void Fill(Random random, float? values)
    {
        var layers = new LayerAttention[] { LayerOver(false), LayerOver(true) };
        float* row = stackalloc float[Math.Max(_shape.KeySize, _shape.ValueSize)];
        for (int panel = 0; panel < _blocks * _shape.KeyHeads * (_shape.ValuesInKeys ? 1 : 2); panel++)
        {
            bool isValue = !_shape.ValuesInKeys && panel % 2 == 1;
            int head = (_shape.ValuesInKeys ? panel : panel / 2) % _shape.KeyHeads, block = (_shape.ValuesInKeys ? panel : panel / 2) / _shape.KeyHeads;
            int size = isValue ? _shape.ValueSize : _shape.KeySize;
            for (int position = 0; position < KvBlock.Positions; position++)
            {
                for (int k = 0; k < size; k++)
                {
                    row[k] = isValue && values is { } fixedValue ? fixedValue : RandomOperands.RandomActivation(random);
                }

                foreach (var layer in layers)
                {
                    var layout = isValue ? layer.Cache.Values : layer.Cache.Keys;
                    ReferenceRows.StoreCache(row, layer.Cache.KeysOf(block, head) + (isValue ? layer.Cache.ValuesOffset : 0), position, 0, size, layout);
                }
            }
        }
    }

    private static int* Pointer(int[] pinned) => (int*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref pinned[0]);
}
