using System.Runtime.InteropServices;
using LlmServe.Compiler;
using LlmServe.Compiler.Cost;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Memory;
using LlmServe.Cpu.Profile;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Cpu.Execution;

/// <summary>Plays compiled programs on CPU lanes.</summary>
internal sealed unsafe class CpuExecutor : IMeasuringExecutor
{
    private readonly CompiledModel _model;
    private readonly WeightStore _weights;
    private readonly NativeBuffer _arena;
    private readonly NativeBuffer _kv;
    private readonly NativeBuffer _frequencies;
    private readonly LoweredProgram[] _programs;
    private readonly LanePool _lanes;
    private readonly TickState* _tick;
    private readonly KernelTable _kernels;
    private readonly ProfileCacheOptions? _profileCache;
    private MachineProfile? _profile;
    private TickCost[]? _costs; // [programs]
    private LoweredProgram _last;
    private bool _disposed;

    public CpuExecutor(GgufFile file, CompiledModel model, KernelTable kernels, CpuOptions options, int lanes, IProgress<LoadProgress>? progress)
    {
        _model = model;
        _profileCache = options.ProfileCache;
        var shape = model.Graph.Shape;
        _weights = new WeightStore(file, model.Graph, kernels, lanes, options.RepackCache, progress);
        _arena = new NativeBuffer(model.Programs.Max(p => p.Memory.Bytes));
        _programs = [.. model.Programs.Select(p => new LoweredProgram(p, kernels, model.Info.Activations, _weights, _arena.Data))];
        _last = _programs[0];
        _frequencies = new NativeBuffer(shape.RopeFrequencies.Count * sizeof(double));
        shape.RopeFrequencies.ToArray().CopyTo(new Span<double>(_frequencies.Data, shape.RopeFrequencies.Count));

        KvBlockBytes = (long)shape.Layers * shape.KeyHeads * 2 * KvBlock.Positions * KvBlock.RowBytes(model.Info.Kv, shape.HeadSize);
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
        _tick->Shape = ShapeConstants.Of(shape, (double*)_frequencies.Data);
        _tick->Kv = KvLayout.Of(shape, model.Info.Kv, kernels, _kv.Data, KvBlockBytes);
        _lanes = options.LanesOf is CpuExecutor other
            ? new LanePool(other._lanes, ScratchBytes(model, kernels), _tick)
            : new LanePool(lanes, ScratchBytes(model, kernels), _tick);
        _kernels = kernels;
        Backend = NameOf(kernels, lanes);
    }

    public ModelInfo Model => _model.Info;

    public string Backend { get; }

    public int KvBlockCount { get; }

    public long KvBlockBytes { get; }

    public RowTable Rows { get; }

    public CompiledModel Compiled => _model;

    /// <summary>What runs it.</summary>
    internal LanePool Lanes => _lanes;

    public MachineProfile Profile => _profile ??= MachineProfiler.Measure(_model, _kernels, _lanes.Lanes, _weights.PackedData, _weights.PackedBytes, _profileCache);

    public void RunTick()
    {
        if (Rows.Count > 0)
        {
            Prepare();
            _lanes.Run(_last.Steps);
        }
    }

    public Timeline MeasureTick()
    {
        if (Rows.Count == 0)
        {
            throw new InvalidOperationException("a tick without rows cannot be measured");
        }

        Prepare();
        return TickRecorder.Record(_lanes, _last);
    }

    public ReadOnlySpan<float> Logits(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _tick->Selected);
        return new ReadOnlySpan<float>(_last.Logits.Real(index), _model.Info.VocabularySize);
    }

    /// <summary>The machine is measured when this is first asked; from then on it allocates nothing.</summary>
    public double PredictTick(int rows, int logitsRows, int context)
    {
        _costs ??= [.. _model.Programs.Select(new CostModel(Profile, _model).Precompute)];
        int program = 0;
        while (program < _programs.Length - 1 && _programs[program].Rows < rows)
        {
            program++;
        }

        return _costs[program].Seconds(new TickLoad(rows, logitsRows, context));
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
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

    internal static string NameOf(KernelTable kernels, int lanes) =>
        $"cpu {kernels.Isa.ToString().ToLowerInvariant()}, {lanes} lane{(lanes == 1 ? "" : "s")}";

    private void Prepare()
    {
        _tick->Rows = Rows.Count;
        _tick->Selected = Rows.LogitsCount;
        _last = ProgramFor(Rows.Count);
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

    /// <summary>Private memory that a lane needs.</summary>
    internal static long ScratchBytes(CompiledModel model, KernelTable kernels)
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
