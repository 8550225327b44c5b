using System.Runtime.InteropServices;
using LlmServe.Compiler;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Graph;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Memory;
using LlmServe.Gguf;

namespace LlmServe.Cpu.Execution;

/// <summary>Plays compiled programs on CPU lanes.</summary>
internal sealed unsafe class CpuExecutor : IProgramExecutor
{
    private readonly CompiledModel _model;
    private readonly WeightStore _weights;
    private readonly NativeBuffer _arena;
    private readonly NativeBuffer _kv;
    private readonly NativeBuffer _frequencies;
    private readonly LoweredProgram[] _programs;
    private readonly LanePool _lanes;
    private readonly TickState* _tick;
    private readonly CostModel _cost;
    private LoweredProgram _last;

    public CpuExecutor(GgufFile file, CompiledModel model, KernelTable kernels, CpuOptions options, int lanes, IProgress<LoadProgress>? progress)
    {
        _model = model;
        var shape = model.Graph.Shape;
        _weights = new WeightStore(file, model.Graph, kernels, lanes, progress);
        _arena = new NativeBuffer(model.Programs.Max(p => p.Memory.Bytes));
        _programs = [.. model.Programs.Select(p => new LoweredProgram(p, kernels, model.Info.Activations, _weights, _arena.Data))];
        _last = _programs[0];
        _frequencies = new NativeBuffer(shape.RopeFrequencies.Count * sizeof(double));
        shape.RopeFrequencies.ToArray().CopyTo(new Span<double>(_frequencies.Data, shape.RopeFrequencies.Count));

        int elementBytes = model.Info.Kv == KvElement.F16 ? 2 : 4;
        KvBlockBytes = (long)shape.Layers * shape.KeyHeads * shape.HeadSize * 2 * KvBlock.Positions * elementBytes;
        int blocksPerSlot = KvBlock.CountFor(model.Info.ContextLength);
        KvBlockCount = BlockCount(options, blocksPerSlot, KvBlockBytes);
        _kv = new NativeBuffer(KvBlockCount * KvBlockBytes);
        Rows = new RowTable(options.MaxRowsPerTick, options.MaxSequences, blocksPerSlot);

        _tick = (TickState*)NativeMemory.AllocZeroed((nuint)sizeof(TickState));
        _tick->Tokens = PointerTo(Rows.Tokens);
        _tick->Positions = PointerTo(Rows.Positions);
        _tick->Slots = PointerTo(Rows.RowSlots);
        _tick->LogitsRows = PointerTo(Rows.LogitsRows);
        _tick->BlockTables = PointerTo(Rows.BlockTables);
        _tick->BlocksPerSlot = blocksPerSlot;
        _tick->Shape = Constants(shape);
        _tick->Kv = new KvLayout
        {
            Data = _kv.Data,
            BlockBytes = KvBlockBytes,
            ElementBytes = elementBytes,
            KeyHeads = shape.KeyHeads,
            HeadSize = shape.HeadSize,
            Interleaved = kernels.InterleavesCache && elementBytes == 2 && shape.HeadSize % 16 == 0,
        };

        _lanes = new LanePool(lanes, ScratchBytes(model, kernels), _tick);
        _cost = new CostModel(MachineProfile.Nominal, shape, model.Info.Kv);
        Backend = $"cpu {kernels.Isa.ToString().ToLowerInvariant()}, {lanes} lane{(lanes == 1 ? "" : "s")}";
    }

    public ModelInfo Model => _model.Info;

    public string Backend { get; }

    public int KvBlockCount { get; }

    public long KvBlockBytes { get; }

    public RowTable Rows { get; }

    public void RunTick()
    {
        int rows = Rows.Count;
        if (rows == 0)
        {
            return;
        }

        _tick->Rows = rows;
        _tick->Selected = Rows.LogitsCount;
        _last = ProgramFor(rows);
        _lanes.Run(_last.Steps);
    }

    public ReadOnlySpan<float> Logits(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _tick->Selected);
        return new ReadOnlySpan<float>(_last.Logits.Real(index), _model.Info.VocabularySize);
    }

    public double PredictTick(int rows, int logitsRows, int context) =>
        _cost.Tick(_model.ProgramFor(Math.Min(rows, Rows.Capacity)), rows, logitsRows, context);

    public void Dispose()
    {
        _lanes.Dispose();
        foreach (var program in _programs)
        {
            program.Dispose();
        }

        _weights.Dispose();
        _arena.Dispose();
        _kv.Dispose();
        _frequencies.Dispose();
        NativeMemory.Free(_tick);
    }

    private LoweredProgram ProgramFor(int rows)
    {
        foreach (var program in _programs)
        {
            if (program.Rows >= rows)
            {
                return program;
            }
        }

        throw new InvalidOperationException($"a tick of {rows} rows is larger than the largest program ({_programs[^1].Rows} rows)");
    }

    /// <summary>Arrays of the row table are pinned when they are made.</summary>
    private static int* PointerTo(int[] pinned) => (int*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));

    private ShapeConstants Constants(ModelShape shape) => new()
    {
        QueryHeads = shape.QueryHeads,
        KeyHeads = shape.KeyHeads,
        HeadSize = shape.HeadSize,
        HeadsPerKeyHead = shape.HeadsPerKeyHead,
        RopePairs = shape.RopeFrequencies.Count,
        RopeHalves = shape.RopePairing == RopePairing.Halves,
        AttentionScale = shape.AttentionScale,
        RopeFrequencies = (double*)_frequencies.Data,
    };

    private static long ScratchBytes(CompiledModel model, KernelTable kernels)
    {
        int columns = model.Graph.Weights.Max(w => w.Columns);
        int widest = Math.Max(columns, model.Graph.Values.Max(v => v.Columns));
        long panels = model.Programs.Max(p => (long)p.Rows * Math.Max(96, LoweredProgram.PanelFloats / p.Rows) * sizeof(float) * 2);
        var shape = model.Graph.Shape;
        long attention = (long)Kernels.Simd.AttentionTile.ScratchFloats(shape.HeadSize, shape.HeadsPerKeyHead) * sizeof(float);
        return Math.Max(attention, panels + ((long)widest * sizeof(float)) + kernels.ScratchBytes(columns)) + 4096;
    }

    private static int BlockCount(CpuOptions options, int blocksPerSlot, long blockBytes)
    {
        const int ShortSequence = 512;
        long wanted = options.KvBytes is { } bytes
            ? bytes / blockBytes
            : blocksPerSlot + ((long)options.MaxSequences * KvBlock.CountFor(ShortSequence));
        long most = Math.Max(blocksPerSlot, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2 / blockBytes);
        return (int)Math.Clamp(Math.Min(wanted, (long)blocksPerSlot * options.MaxSequences), 1, Math.Min(most, int.MaxValue));
    }
}
