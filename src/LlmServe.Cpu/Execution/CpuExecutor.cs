using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LlmServe.Compiler;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Memory;
using LlmServe.Cpu.Profile;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Cpu.Execution;

/// <summary>Plays compiled programs on CPU lanes.</summary>
internal sealed unsafe class CpuExecutor : IMeasuringExecutor
{
    private readonly WeightStore _weights;
    private readonly KvMemory _memory;
    private readonly NativeBuffer _arena;
    private readonly NativeBuffer[] _laneArenas;
    private readonly LoweredProgram[] _programs;
    private readonly TickState* _tick;
    private readonly CpuTickCosts _costs;
    private readonly TickPort[] _outputs, _inputs;
    private readonly int _logits;
    private LoweredProgram _last;
    private bool _disposed;

    public CpuExecutor(GgufFile file, CompiledModel model, KernelTable kernels, CpuOptions options, int lanes, IProgress<LoadProgress>? progress)
    {
        var groups = model.KvGroups.Select(g => new KvGroupDemand(g.BlockBytes(model.Info.Kv), g.Visibility.IsAll ? 0 : g.Visibility.MostBlocks(options.MaxRowsPerTick)));
        var plan = KvPlan.Of(
            new KvDemand([.. groups], model.Info.ContextLength, options.MaxSequences, WeightStore.BytesOf(model, kernels), options.KvBytes, options.ContextLength),
            KvPlan.Unpromised());
        Compiled = model with { Info = model.Info with { Warnings = [.. model.Info.Warnings, .. plan.Warnings, .. WarnOfLanes(options)] } };
        int blocksPerSlot = KvBlock.CountFor(model.Info.ContextLength);
        Rows = new RowTable(options.MaxRowsPerTick, options.MaxSequences, blocksPerSlot, model.KvGroups.Count);
        _weights = new WeightStore(file, model, kernels, lanes, options.RepackCache, progress);
        _memory = new KvMemory(model, plan.Blocks, kernels.InterleavesCache);
        _arena = new NativeBuffer(model.Programs.Max(p => p.Memory.Bytes));
        _laneArenas = [.. Enumerable.Range(0, lanes).Select(_ => new NativeBuffer(model.Programs.Max(p => p.Memory.LaneBytes)))];
        var caches = _memory.LayoutsOver(model, group => (nint)PointerTo(Rows.BlockTables(group)), blocksPerSlot);
        nint[] own = [.. _laneArenas.Select(a => (nint)a.Data)];
        _programs = [.. model.Programs.Select(p => new LoweredProgram(p, kernels, model.Info.Activations, _weights, caches, _arena.Data, own))];
        _last = _programs[0];
        _tick = NewTick(Rows);
        Lanes = options.LanesOf is CpuExecutor other
            ? new LanePool(other.Lanes, ScratchBytes(model, kernels), _tick)
            : new LanePool(lanes, ScratchBytes(model, kernels), _tick);
        _costs = new CpuTickCosts(model, () => MachineProfiler.Measure(model, kernels, lanes, _weights.PackedData, _weights.PackedBytes, options.ProfileCache));
        _outputs = [.. model.Programs[0].Outputs.Select((port, i) => new TickPort(port, i, this))];
        _inputs = [.. model.Programs[0].Inputs.Select((port, i) => new TickPort(port, i, this))];
        _logits = Array.FindIndex(_outputs, o => o.Name == TickOutputs.Logits);
        Backend = NameOf(kernels, lanes);
    }

    public ModelInfo Model => Compiled.Info;

    public string Backend { get; }

    public ISequenceMemory Memory => _memory;

    public ITickCosts Costs => _costs;

    public IReadOnlyList<ITickOutput> Outputs => _outputs;

    public IReadOnlyList<ITickInput> Inputs => _inputs;

    public RowTable Rows { get; }

    public CompiledModel Compiled { get; }

    /// <summary>What runs it.</summary>
    internal LanePool Lanes { get; }

    public MachineProfile Profile => _costs.Profile;

    public void BeginTick()
    {
        if (Rows.Count > 0)
        {
            Prepare();
            Lanes.Begin(_last.Steps);
        }
    }

    public void EndTick()
    {
        if (Rows.Count > 0)
        {
            Lanes.End();
        }
    }

    public Timeline MeasureTick()
    {
        if (Rows.Count == 0)
        {
            throw new InvalidOperationException("a tick without rows cannot be measured");
        }

        Prepare();
        return TickRecorder.Record(Lanes, _last);
    }

    public ReadOnlySpan<float> Logits(int index) =>
        _logits >= 0 ? OutputRow(_logits, index) : throw new InvalidOperationException($"the program gives {string.Join(", ", _outputs.Select(o => o.Name))}, not logits");

    /// <summary>A row of an output of the last tick.</summary>
    internal ReadOnlySpan<float> OutputRow(int output, int row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, _outputs[output].IsSelected ? _tick->Selected : _tick->Rows);
        return new ReadOnlySpan<float>(_last.Outputs[output].Real(row), _outputs[output].Columns);
    }

    /// <summary>A row of an input of the next tick, whose rows are known.</summary>
    internal Span<float> InputRow(int input, int row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows.Count);
        return new Span<float>(ProgramFor(Rows.Count).Inputs[input].Real(row), _inputs[input].Columns);
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        Lanes.Dispose();
        foreach (var program in _programs)
        {
            program.Dispose();
        }

        _weights.Dispose();
        _arena.Dispose();
        foreach (var arena in _laneArenas)
        {
            arena.Dispose();
        }

        _memory.Dispose();
        NativeMemory.Free(_tick);
    }

    internal static string NameOf(KernelTable kernels, int lanes) =>
        $"cpu {kernels.Isa.ToString().ToLowerInvariant()}, {lanes} lane{(lanes == 1 ? "" : "s")}";

    private void Prepare()
    {
        Rows.Check(Compiled.Shape.Vocabulary, Memory.KvGroups);
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

    private static TickState* NewTick(RowTable rows)
    {
        var tick = (TickState*)NativeMemory.AllocZeroed((nuint)sizeof(TickState));
        tick->Tokens = PointerTo(rows.Tokens);
        tick->Positions = PointerTo(rows.Positions);
        tick->Slots = PointerTo(rows.RowSlots);
        tick->SelectedRows = PointerTo(rows.SelectedRows);
        return tick;
    }

    /// <summary>The row table's memory is pinned; a span without rows begins where those to come will.</summary>
    private static int* PointerTo(ReadOnlySpan<int> pinned) => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(pinned));

    /// <summary>Private memory that a lane needs.</summary>
    internal static long ScratchBytes(CompiledModel model, KernelTable kernels)
    {
        Weight[] weights = [.. model.Weights.Where(w => w.Use != WeightUse.None)];
        int widest = Math.Max(weights.Max(w => w.Columns), model.Programs.Max(p => p.Buffers.Max(b => b.Columns)));
        long panels = model.Programs.Max(p => (long)p.Rows * Math.Max(LoweredProgram.PanelRows, LoweredProgram.PanelFloats / p.Rows) * sizeof(float) * 2);
        var shapes = model.Programs[0].Phases.SelectMany(p => p.Lanes[0]).Select(i => i.Detail).OfType<AttentionShape>();
        long attention = shapes.Select(s => (long)Kernels.Simd.AttentionTile.ScratchFloats(s) * sizeof(float)).DefaultIfEmpty(0).Max();
        return Math.Max(attention, panels + ((long)widest * sizeof(float)) + kernels.ScratchBytes(weights)) + 4096;
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
}
