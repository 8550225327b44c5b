using System.Runtime.CompilerServices;
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
    private readonly CpuTickCosts _costs;
    private readonly TickOutput[] _outputs;
    private LoweredProgram _last;
    private bool _disposed;

    public CpuExecutor(GgufFile file, CompiledModel model, KernelTable kernels, CpuOptions options, int lanes, IProgress<LoadProgress>? progress)
    {
        var shape = model.Graph.Shape;
        long blockBytes = (long)shape.Layers * shape.KeyHeads * 2 * KvBlock.Positions * KvBlock.RowBytes(model.Info.Kv, shape.HeadSize);
        var plan = KvPlan.Of(
            new KvDemand(blockBytes, model.Info.ContextLength, options.MaxSequences, WeightStore.BytesOf(model.Graph, kernels), options.KvBytes, options.ContextLength),
            KvPlan.Unpromised());
        model = model with { Info = model.Info with { Warnings = [.. model.Info.Warnings, .. plan.Warnings, .. WarnOfLanes(options)] } };
        _model = model;
        _weights = new WeightStore(file, model.Graph, kernels, lanes, options.RepackCache, progress);
        _arena = new NativeBuffer(model.Programs.Max(p => p.Memory.Bytes));
        _programs = [.. model.Programs.Select(p => new LoweredProgram(p, kernels, model.Info.Activations, _weights, _arena.Data))];
        _last = _programs[0];
        _frequencies = new NativeBuffer(shape.RopeFrequencies.Count * sizeof(double));
        shape.RopeFrequencies.ToArray().CopyTo(new Span<double>(_frequencies.Data, shape.RopeFrequencies.Count));

        int blocksPerSlot = KvBlock.CountFor(model.Info.ContextLength);
        var group = new KvGroup(shape.Layers, plan.Blocks, blockBytes, KvVisibility.All);
        Memory = new CpuSequenceMemory([group]);
        _kv = new NativeBuffer(group.Bytes);
        KvPlan.Promise(group.Bytes);
        Rows = new RowTable(options.MaxRowsPerTick, options.MaxSequences, blocksPerSlot);

        _tick = (TickState*)NativeMemory.AllocZeroed((nuint)sizeof(TickState));
        _tick->Tokens = PointerTo(Rows.Tokens);
        _tick->Positions = PointerTo(Rows.Positions);
        _tick->Slots = PointerTo(Rows.RowSlots);
        _tick->SelectedRows = PointerTo(Rows.SelectedRows);
        _tick->BlockTables = PointerTo(Rows.BlockTables());
        _tick->BlocksPerSlot = blocksPerSlot;
        _tick->Shape = ShapeConstants.Of(shape, (double*)_frequencies.Data);
        _tick->Kv = KvLayout.Of(shape, model.Info.Kv, kernels, _kv.Data, blockBytes);
        _lanes = options.LanesOf is CpuExecutor other
            ? new LanePool(other._lanes, ScratchBytes(model, kernels), _tick)
            : new LanePool(lanes, ScratchBytes(model, kernels), _tick);
        _costs = new CpuTickCosts(model, () => MachineProfiler.Measure(model, kernels, lanes, _weights.PackedData, _weights.PackedBytes, options.ProfileCache));
        _outputs = [new TickOutput(TickOutputs.Logits, model.Info.VocabularySize, this)];
        Backend = NameOf(kernels, lanes);
    }

    public ModelInfo Model => _model.Info;

    public string Backend { get; }

    public ISequenceMemory Memory { get; }

    public ITickCosts Costs => _costs;

    public IReadOnlyList<ITickOutput> Outputs => _outputs;

    public IReadOnlyList<ITickInput> Inputs => [];

    public RowTable Rows { get; }

    public CompiledModel Compiled => _model;

    /// <summary>What runs it.</summary>
    internal LanePool Lanes => _lanes;

    public MachineProfile Profile => _costs.Profile;

    public void BeginTick()
    {
        if (Rows.Count > 0)
        {
            Prepare();
            _lanes.Begin(_last.Steps);
        }
    }

    public void EndTick()
    {
        if (Rows.Count > 0)
        {
            _lanes.End();
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
        KvPlan.Promise(-_kv.Length);
        _frequencies.Dispose();
        NativeMemory.Free(_tick);
    }

    internal static string NameOf(KernelTable kernels, int lanes) =>
        $"cpu {kernels.Isa.ToString().ToLowerInvariant()}, {lanes} lane{(lanes == 1 ? "" : "s")}";

    private void Prepare()
    {
        Rows.Check(_model.Graph.Shape.Vocabulary, Memory.KvGroups);
        _tick->Rows = Rows.Count;
        _tick->Selected = Rows.SelectedCount;
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

    /// <summary>The row table's memory is pinned; a span without rows begins where those to come will.</summary>
    private static int* PointerTo(ReadOnlySpan<int> pinned) => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(pinned));

    /// <summary>Private memory that a lane needs.</summary>
    internal static long ScratchBytes(CompiledModel model, KernelTable kernels)
    {
        int columns = model.Graph.Weights.Max(w => w.Columns);
        int widest = Math.Max(columns, model.Graph.Values.Max(v => v.Columns));
        long panels = model.Programs.Max(p => (long)p.Rows * Math.Max(96, LoweredProgram.PanelFloats / p.Rows) * sizeof(float) * 2);
        var shape = model.Graph.Shape;
        long attention = (long)Kernels.Simd.AttentionTile.ScratchFloats(shape.HeadSize, shape.HeadsPerKeyHead) * sizeof(float);
        return Math.Max(attention, panels + ((long)widest * sizeof(float)) + kernels.ScratchBytes(model.Graph.Weights)) + 4096;
    }

    private static IEnumerable<string> WarnOfLanes(CpuOptions options)
    {
        int processors = Environment.ProcessorCount;
        if (options.Lanes > processors && options.LanesOf is null)
        {
            yield return $"{options.Lanes} lanes share {processors} processor{(processors == 1 ? "" : "s")}: lanes wait for each other in every tick, which takes many times "
                + "as long; ask for no more lanes than processors (--lanes)";
        }
    }

    /// <summary>An output buffer of the last program that ran.</summary>
    private sealed class TickOutput(string name, int columns, CpuExecutor executor) : ITickOutput
    {
        public string Name => name;

        public int Columns => columns;

        public bool IsSelected => true;

        public ReadOnlySpan<float> Row(int index) => executor.Logits(index);
    }
}
