using LlmServe.Compiler.Graph;
using LlmServe.Execution;

namespace LlmServe.Compiler.Programs;

/// <summary>Lowers a fused graph to phases: tiles every operation over the lanes by cost and puts barriers where data crosses lanes.</summary>
internal sealed class LaneScheduler
{
    private readonly ModelGraph _graph;
    private readonly ITarget _target;
    private readonly int _rows;
    private readonly int _context;
    private readonly KvElement _kv;
    private readonly int _lanes;
    private readonly bool _repeatNorms;
    private readonly List<Buffer> _buffers = [];
    private readonly Dictionary<int, int[]> _valueBuffers = [];
    private readonly List<Phase> _phases = [];
    private readonly int[] _cacheBuffers;
    private readonly int _ropeBuffer;
    private List<Instruction>[] _open;
    private string _openName = "";

    private LaneScheduler(ModelGraph graph, ITarget target, int rows, int context, KvElement kv)
    {
        _graph = graph;
        _target = target;
        _rows = rows;
        _context = context;
        _kv = kv;
        _lanes = target.Lanes;
        _repeatNorms = target.RepeatNorms(rows);
        _open = NewLanes();
        var shape = graph.Shape;
        _ropeBuffer = AddBuffer("rope", shape.RopeFrequencies.Count * 2, ActivationForms.Real, -1);
        _cacheBuffers = new int[shape.Layers];
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            _cacheBuffers[layer] = _buffers.Count;
            _buffers.Add(new Buffer(_buffers.Count, $"cache.{layer}", 2 * shape.KeyHeads * shape.HeadSize, ActivationForms.None, 0, 0, -1, BufferPlace.Cache));
        }
    }

    /// <summary>
    /// The program for ticks of up to <paramref name="rows"/> rows of sequences of up to <paramref name="context"/> positions, over a cache of
    /// <paramref name="kv"/> elements.
    /// </summary>
    public static StreamProgram Schedule(ModelGraph graph, ITarget target, int rows, int context, KvElement kv)
    {
        var scheduler = new LaneScheduler(graph, target, rows, context, kv);
        foreach (var operation in graph.Operations)
        {
            scheduler.Lower(operation);
        }

        scheduler.Barrier();
        int logits = scheduler._valueBuffers[graph.Logits.Id][0];
        return new StreamProgram
        {
            Rows = rows,
            Lanes = target.Lanes,
            Phases = scheduler._phases,
            Buffers = scheduler._buffers,
            Memory = MemoryPlanner.Plan(scheduler._buffers, scheduler._phases, logits),
            Weights = graph.Weights,
            RopeBuffer = scheduler._ropeBuffer,
            LogitsBuffer = logits,
        };
    }

    private void Lower(Operation operation)
    {
        switch (operation)
        {
            case Embed embed:
                LowerEmbed(embed);
                break;
            case RmsNorm norm:
                LowerNorm(norm);
                break;
            case ProjectHeads heads:
                LowerHeads(heads);
                break;
            case CachedAttention attention:
                LowerAttention(attention);
                break;
            case LinearAdd linear:
                LowerMatrix(Opcode.MatMulAdd, linear.Matrix, null, linear.Input, linear.Residual, LaneTiler.TileRows);
                break;
            case GatedLinear gated:
                // Two tiles: a block of 32 outputs is quantized by one lane.
                LowerMatrix(Opcode.GatedMatMul, gated.Gate, gated.Up, gated.Input, gated.Output, 2 * LaneTiler.TileRows);
                break;
            case Linear linear:
                LowerMatrix(Opcode.MatMul, linear.Matrix, null, linear.Input, linear.Output, LaneTiler.TileRows);
                break;
            default:
                throw new NotSupportedException($"operation {operation.GetType().Name} was not fused and cannot be scheduled");
        }
    }

    private void LowerEmbed(Embed embed)
    {
        int output = SharedBuffer(embed.Output);
        _openName = "embed";
        for (int lane = 0; lane < _lanes; lane++)
        {
            _open[lane].Add(New(Opcode.Embed) with { Weight = embed.Table.Id, Output = output, Begin = lane, End = lane + 1 });
            _open[lane].Add(New(Opcode.RopeTable) with { Output = _ropeBuffer, Begin = lane, End = lane + 1 });
        }

        Barrier();
    }

    private void LowerNorm(RmsNorm norm)
    {
        int input = SharedBuffer(norm.Input);
        int[] outputs = _repeatNorms ? PrivateBuffers(norm.Output) : [SharedBuffer(norm.Output)];
        _openName = norm.Output.Name;
        for (int lane = 0; lane < _lanes; lane++)
        {
            _open[lane].Add(New(Opcode.Norm) with
            {
                Weight = norm.Gain.Id,
                Input = input,
                Output = _repeatNorms ? outputs[lane] : outputs[0],
                Begin = _repeatNorms ? 0 : lane,
                End = _repeatNorms ? _lanes : lane + 1,
                Selected = norm.Select,
                Constant = norm.Epsilon,
            });
        }

        if (!_repeatNorms)
        {
            Barrier();
        }
    }

    private void LowerHeads(ProjectHeads heads)
    {
        var shape = _graph.Shape;
        Weight[] matrices = [heads.Query, heads.Key, heads.KeyValues];
        int[] outputs = [SharedBuffer(heads.QueryOutput), SharedBuffer(heads.KeyOutput), SharedBuffer(heads.ValueOutput)];

        // Elements with a common scale are stored by one lane.
        int smallest = _kv == KvElement.Q8_0 ? KvBlock.ScaledRun : LaneTiler.TileRows;
        int alignment = shape.RopePairing == RopePairing.Adjacent && shape.HeadSize % smallest == 0 ? smallest : HeadAlignment(shape.HeadSize);
        _openName = JoinName(heads.QueryOutput.Name);
        var split = LaneTiler.Split([.. matrices.Select(m => m.Rows)], [.. matrices.Select(BytesPerRow)], alignment, _lanes);
        for (int lane = 0; lane < _lanes; lane++)
        {
            foreach (var range in split[lane])
            {
                _open[lane].Add(MatrixInstruction(Opcode.MatMul, matrices[range.Matrix], null, InputFor(heads.Input, lane), outputs[range.Matrix], range));
            }

            foreach (var range in split[lane])
            {
                var columns = New(Opcode.RotateQueries) with { Layer = heads.Layer, Input2 = _ropeBuffer, Output = outputs[0], Begin = range.Begin, End = range.End };
                _open[lane].Add(range.Matrix switch
                {
                    0 => columns,
                    1 => columns with { Opcode = Opcode.StoreKeys, Input = outputs[1], Output = _cacheBuffers[heads.Layer] },
                    _ => columns with
                    {
                        Opcode = Opcode.StoreValues, Input = outputs[2], Input2 = -1, Output = _cacheBuffers[heads.Layer], Shift = shape.KeyHeads * shape.HeadSize,
                    },
                });
            }
        }

        Barrier();
    }

    private void LowerAttention(CachedAttention attention)
    {
        int query = SharedBuffer(attention.Query);
        int output = SharedBuffer(attention.Output);
        int parts = AddParts(attention.Output.Name + ".parts");
        _openName = attention.Output.Name;
        for (int lane = 0; lane < _lanes; lane++)
        {
            _open[lane].Add(New(Opcode.Attention) with
            {
                Layer = attention.Layer, Input = query, Input2 = _cacheBuffers[attention.Layer], Output = output, Parts = parts, Begin = lane, End = lane + 1,
            });
        }

        Barrier();
        if (_lanes == 1)
        {
            return;
        }

        _openName = attention.Output.Name + " join";
        for (int lane = 0; lane < _lanes; lane++)
        {
            _open[lane].Add(New(Opcode.JoinAttention) with { Layer = attention.Layer, Output = output, Parts = parts, Begin = lane, End = lane + 1 });
        }

        Barrier();
    }

    /// <summary>
    /// Intermediate results of attention, a row per lane: what is joined so far and a segment in the making, and, as a cut can fall anywhere in a long
    /// sequence, each segment of the heads that another lane began.
    /// </summary>
    private int AddParts(string name)
    {
        var shape = _graph.Shape;
        int slots = 2 + (_lanes == 1 ? 0 : AttentionSegment.CountFor(_context));
        int columns = checked(slots * shape.HeadsPerKeyHead * (shape.HeadSize + 2));
        _buffers.Add(new Buffer(
            _buffers.Count, name, columns, ActivationForms.Real, _target.RowBytes(ActivationForms.Real, columns), _lanes, -1, BufferPlace.Arena));
        return _buffers.Count - 1;
    }

    private void LowerMatrix(Opcode opcode, Weight matrix, Weight? second, Value input, Value output, int alignment)
    {
        int target = SharedBuffer(output);
        _openName = JoinName(output == _graph.Logits || opcode == Opcode.GatedMatMul ? output.Name : matrix.Name.Replace(".weight", "", StringComparison.Ordinal));
        double cost = BytesPerRow(matrix) + (second is null ? 0 : BytesPerRow(second));
        var split = LaneTiler.Split([matrix.Rows], [cost], alignment, _lanes);
        for (int lane = 0; lane < _lanes; lane++)
        {
            foreach (var range in split[lane])
            {
                _open[lane].Add(MatrixInstruction(opcode, matrix, second, InputFor(input, lane), target, range) with { Selected = output.Selected });
            }
        }

        Barrier();
    }

    private Instruction MatrixInstruction(Opcode opcode, Weight matrix, Weight? second, int input, int output, TileRange range)
    {
        double perRow = BytesPerRow(matrix) + (second is null ? 0 : BytesPerRow(second));
        int rows = range.End - range.Begin;
        return New(opcode) with
        {
            Weight = matrix.Id, Weight2 = second?.Id ?? -1, Input = input, Output = output, Begin = range.Begin, End = range.End,
            Bytes = (long)(perRow * rows), MultiplyAdds = (long)rows * matrix.Columns * (second is null ? 1 : 2),
            KernelFrom = _target.KernelFrom(matrix, _rows),
        };
    }

    private double BytesPerRow(Weight matrix) => (double)_target.StoredBytes(matrix) / matrix.Rows;

    /// <summary>Cuts that keep whole heads and whole tiles together.</summary>
    private static int HeadAlignment(int headSize)
    {
        int alignment = headSize;
        while (alignment % LaneTiler.TileRows != 0)
        {
            alignment += headSize;
        }

        return alignment;
    }

    private string JoinName(string name) => _openName.Length == 0 ? name : $"{_openName} + {name[(name.LastIndexOf('.') + 1)..]}";

    private static Instruction New(Opcode opcode) => new() { Opcode = opcode, Layer = -1, Weight = -1, Weight2 = -1, Input = -1, Input2 = -1, Output = -1, Parts = -1 };

    private int InputFor(Value value, int lane) => _valueBuffers[value.Id] is { Length: > 1 } own ? own[lane] : SharedBuffer(value);

    private int SharedBuffer(Value value)
    {
        if (!_valueBuffers.TryGetValue(value.Id, out int[]? ids))
        {
            ids = [AddBuffer(value.Name, value.Columns, value.Forms, -1)];
            _valueBuffers.Add(value.Id, ids);
        }

        return ids[0];
    }

    private int[] PrivateBuffers(Value value)
    {
        int[] ids = [.. Enumerable.Range(0, _lanes).Select(lane => AddBuffer(value.Name, value.Columns, value.Forms, lane))];
        _valueBuffers.Add(value.Id, ids);
        return ids;
    }

    private int AddBuffer(string name, int columns, ActivationForms forms, int lane)
    {
        _buffers.Add(new Buffer(_buffers.Count, name, columns, forms, _target.RowBytes(forms, columns), _rows, lane, BufferPlace.Arena));
        return _buffers.Count - 1;
    }

    private List<Instruction>[] NewLanes() => [.. Enumerable.Range(0, _lanes).Select(_ => new List<Instruction>())];

    private void Barrier()
    {
        if (_open.Any(lane => lane.Count > 0))
        {
            _phases.Add(new Phase(_openName, _open));
        }

        _open = NewLanes();
        _openName = "";
    }
}
