using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LlmServe.Compiler;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Kernels.Reference;
using LlmServe.Cpu.Memory;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Cpu.Tests;

/// <summary>Runs the first phases of a program, with every buffer in memory of its own, so that it can be looked at afterwards.</summary>
internal sealed unsafe class StageLab : IDisposable
{
    private const int Lanes = 2;

    private readonly GgufFile _file;
    private readonly KernelTable _kernels;
    private readonly CompiledModel _model;
    private readonly StreamProgram _program;
    private readonly WeightStore _weights;
    private readonly NativeBuffer _arena;
    private readonly NativeBuffer _laneArena;
    private readonly KvMemory _memory;
    private readonly int[] _ids;

    public StageLab(string path, CpuIsa isa, int[] ids)
    {
        _ids = ids;
        _file = GgufFile.Open(path);
        _kernels = IsaSelector.Create(isa);
        _model = ModelCompiler.Compile(_file, new CpuTarget(_kernels, ActivationMode.Int8, Lanes), new CompilerOptions(ActivationMode.Int8, KvElement.F16, ids.Length));
        _program = Unshared(_model.ProgramFor(ids.Length));
        _weights = new WeightStore(_file, _model, _kernels, 1);
        _arena = new NativeBuffer(_program.Memory.Bytes);
        _laneArena = new NativeBuffer(_program.Memory.LaneBytes * Lanes);
        _memory = new KvMemory(_model, [1], _kernels.InterleavesCache);
    }

    /// <summary>Runs from the start through the first phase whose name ends so.</summary>
    public void RunThrough(string phase)
    {
        int last = _program.Phases.ToList().FindIndex(p => p.Name.EndsWith(phase, StringComparison.Ordinal));
        Assert.True(last >= 0, $"no phase ends with '{phase}': {string.Join("; ", _program.Phases.Select(p => p.Name))}");
        var part = _program with { Phases = [.. _program.Phases.Take(last + 1)] };
        int[] table = GC.AllocateArray<int>(5 * _ids.Length, pinned: true);
        _ids.CopyTo(table, 0);
        for (int i = 0; i < _ids.Length; i++)
        {
            table[_ids.Length + i] = table[(2 * _ids.Length) + i] = i;
        }

        int* start = (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(table));
        var tick = new TickState
        {
            Rows = _ids.Length,
            Selected = _ids.Length,
            Tokens = start,
            Positions = start + _ids.Length,
            SelectedRows = start + (2 * _ids.Length),
            Slots = start + (3 * _ids.Length),
        };
        var caches = _memory.LayoutsOver(_model, _ => (nint)(start + (4 * _ids.Length)), blocksPerSlot: 1);
        nint[] laneArenas = [.. Enumerable.Range(0, Lanes).Select(lane => (nint)_laneArena.Data + (nint)(lane * _program.Memory.LaneBytes))];
        using var lowered = new LoweredProgram(part, _kernels, ActivationMode.Int8, _weights, caches, _arena.Data, laneArenas);
        using var pool = new LanePool(Lanes, 1 << 20, &tick);
        pool.Run(lowered.Steps);
    }

    /// <summary>The rows of a buffer.</summary>
    public ActivationView View(string name)
    {
        var buffer = _program.Buffers.First(b => b.Name == name);
        byte* arena = buffer.Place == BufferPlace.Lane ? _laneArena.Data : _arena.Data;
        return new ActivationView(arena + _program.Memory.Offsets[buffer.Id], new ActivationLayout(buffer.Forms, buffer.Columns));
    }

    /// <summary>A quantized matrix times rows by the scalar kernel in <c>int8</c> mode. x: [rows, columns]</summary>
    public static float[] MatMul(GgufFile file, string name, float[] x, int rows)
    {
        var tensor = file.GetTensor(name);
        int columns = (int)tensor.Columns, outputs = (int)tensor.Rows;
        var layout = new ActivationLayout(CpuForms.Signed8, columns);
        using var activations = new NativeBuffer((long)layout.RowBytes * rows);
        var view = new ActivationView(activations.Data, layout);
        var matrix = new Matrix { Raw = file.DataOf(tensor), RawRowBytes = tensor.RowBytes, Rows = outputs, Columns = columns, Decode = tensor.Format.Decoder };
        float[] y = new float[rows * outputs];
        fixed (float* px = x, py = y)
        {
            for (int row = 0; row < rows; row++)
            {
                ReferenceRows.WriteForms(px + (row * columns), view, row, 0, columns);
            }

            IsaSelector.Select(CpuIsa.Scalar).ProductOf(tensor.Type, ActivationMode.Int8, rows)(&matrix, &view, rows, 0, outputs, py, outputs, null);
        }

        return y;
    }

    public void Dispose()
    {
        _weights.Dispose();
        _arena.Dispose();
        _laneArena.Dispose();
        _memory.Dispose();
        _file.Dispose();
    }

    /// <summary>The program with a place of its own for every buffer.</summary>
    private static StreamProgram Unshared(StreamProgram program)
    {
        long arena = 0, lane = 0;
        var offsets = new List<long>();
        foreach (var buffer in program.Buffers)
        {
            ref long next = ref buffer.Place == BufferPlace.Lane ? ref lane : ref arena;
            offsets.Add(buffer.Place == BufferPlace.Cache ? -1 : next);
            next += (buffer.Bytes + 63) / 64 * 64;
        }

        return program with { Memory = new MemoryPlan(offsets, arena, lane) };
    }
}
