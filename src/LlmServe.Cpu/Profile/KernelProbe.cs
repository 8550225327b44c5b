using System.Diagnostics;
using LlmServe.Compiler;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Memory;
using LlmServe.Execution;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Profile;

/// <summary>
/// Times single instructions of a program on this thread, with the real kernels over made-up operands that fit a cache. All memory holds one byte value
/// that is a plain number in every format, so that no operand is subnormal, infinite or not a number.
/// </summary>
internal sealed unsafe class KernelProbe : IDisposable
{
    /// <summary>A byte that makes plain numbers in every format.</summary>
    public const byte Filler = 0x2c;

    private const long CachedWeightBytes = 256 << 10;
    private const int ShortContext = KvBlock.Positions;
    private const int LongContext = 16 * KvBlock.Positions;
    private const int CacheBlocks = (LongContext + RunRows + KvBlock.Positions - 1) / KvBlock.Positions;
    private const int RunRows = 32;
    private const int Trials = 4;

    private static readonly long LeastTicks = Stopwatch.Frequency / 20_000; // 50 µs
    private static readonly long MostTicks = Stopwatch.Frequency / 500;     // 2 ms

    private readonly CompiledModel _model;
    private readonly KernelTable _kernels;
    private readonly ActivationMode _mode;
    private readonly List<NativeBuffer> _memory = [];
    private readonly StepResources _resources;
    private readonly CacheLayout[] _caches; // [caches]
    private readonly TickState* _tick;
    private readonly LaneState* _lane;
    private readonly int* _zeros;
    private readonly int* _positions;
    private readonly FastestTimes<(KernelKey Key, int Rows, int Context)> _fastest = new();

    /// <param name="model">The programs.</param>
    /// <param name="kernels">Their kernels.</param>
    public KernelProbe(CompiledModel model, KernelTable kernels)
    {
        _model = model;
        _kernels = kernels;
        _mode = model.Info.Activations;
        int maxRows = model.Programs[^1].Rows;
        _zeros = (int*)Take(Math.Max(maxRows, 64) * sizeof(int), 0);
        _positions = (int*)Take(maxRows * sizeof(int), 0);
        _caches = CacheOfEveryShape();
        _resources = new StepResources(LoweredProgram.CachesOf(model.Programs[0], _caches));
        _tick = (TickState*)Take(sizeof(TickState), 0);
        *_tick = new TickState { Tokens = _zeros, Positions = _positions, Slots = _zeros, SelectedRows = _zeros };
        ScratchBytes = CpuExecutor.ScratchBytes(model, kernels);
        _lane = (LaneState*)Take(sizeof(LaneState), 0);
        *_lane = new LaneState { Lane = 0, Lanes = 1, Tick = _tick, Scratch = Take(ScratchBytes, 0) };
    }

    /// <summary>What kernels see as the tick; its rows are set before each measurement.</summary>
    public TickState* Tick => _tick;

    /// <summary>Scratch that a lane needs.</summary>
    public long ScratchBytes { get; }

    /// <summary>A part of a matrix instruction that fits a cache, with operands of its own.</summary>
    /// <param name="program">The program.</param>
    /// <param name="instruction">One of its instructions.</param>
    /// <param name="units">Gets its units of work per row.</param>
    public Step Part(StreamProgram program, Instruction instruction, out double units)
    {
        var i = Shorten(instruction.Opcode.Representative(instruction));
        units = i.Opcode.UnitsPerRow(program, i) * i.Copies;
        return LoweredProgram.Lower(program, i, _kernels, _mode, weight => (nint)MatrixOf(program.Weights[weight], i), id => ViewOf(program, i, id), _resources);
    }

    /// <summary>Time of an instruction of <paramref name="program"/>, per unit; from the fastest runs there were, those of earlier calls included.</summary>
    public KernelTime Measure(StreamProgram program, Instruction instruction)
    {
        var step = Part(program, instruction, out double units);
        var key = KernelKey.Of(program, instruction);
        if (instruction.Opcode == Opcodes.Attention)
        {
            var single = Attention(key, &step, 1, units);
            var run = Attention(key, &step, Math.Min(RunRows, program.Rows), units);
            return new KernelTime(single.PerHead, run.PerHead, single.PerPosition, run.PerPosition);
        }

        int few = Math.Max(1, instruction.KernelFrom);
        double first = Time(key, &step, few, ShortContext) / units;
        int least = Math.Min(4 * few, program.Rows);
        int many = (int)Math.Clamp(few * MostTicks / (first * units * Stopwatch.Frequency), least, program.Rows);
        if (many == few)
        {
            return new KernelTime(first / few, first / few);
        }

        double last = Time(key, &step, many, ShortContext) / units;
        double next = Math.Max(0, last - first) / (many - few);
        return new KernelTime(Math.Max(next, first - (next * (few - 1))), next);
    }

    /// <summary>Attention of consecutive positions, per row and head: a fixed part, and one per position of mean context.</summary>
    private (double PerHead, double PerPosition) Attention(in KernelKey key, Step* step, int rows, double heads)
    {
        double near = Time(key, step, rows, ShortContext) / (rows * heads), far = Time(key, step, rows, LongContext) / (rows * heads);
        double perPosition = Math.Max(0, far - near) / (LongContext - ShortContext);
        return (Math.Max(0, near - (perPosition * (ShortContext + (rows / 2)))), perPosition);
    }

    public void Dispose()
    {
        _resources.Dispose();
        _memory.ForEach(buffer => buffer.Dispose());
    }

    /// <summary>A cache for a few sequences of each layer, of which those of one shape are the same.</summary>
    private CacheLayout[] CacheOfEveryShape()
    {
        int* blocks = (int*)Take(CacheBlocks * sizeof(int), 0);
        for (int i = 0; i < CacheBlocks; i++)
        {
            blocks[i] = i;
        }

        var known = new Dictionary<LayerCache, CacheLayout>();
        var layouts = new CacheLayout[_model.Caches.Count];
        foreach (var cache in _model.Caches)
        {
            var shape = cache with { Id = 0, Name = "" };
            if (!known.TryGetValue(shape, out var layout))
            {
                layout = CacheLayout.Of(cache, _model.Info.Kv, _kernels.InterleavesCache);
                layout.BlockBytes = layout.LayerBytes;
                layout.Data = Take(layout.LayerBytes * CacheBlocks);
                layout.BlockTables = blocks;
                layout.BlocksPerSlot = CacheBlocks;
                known.Add(shape, layout);
            }

            layouts[cache.Id] = layout;
        }

        return layouts;
    }

    /// <summary>The instruction over all rows, and over no more of a matrix than a cache holds.</summary>
    private static Instruction Shorten(Instruction instruction)
    {
        var i = instruction with { FirstShare = 0, EndShare = 1, Selected = false, Gathers = false };
        if (!i.Opcode.IsMatrix)
        {
            return i;
        }

        int rows = i.End - i.Begin;
        double bytesPerRow = Math.Max(1, (double)i.Bytes / rows);
        int kept = (int)Math.Min(rows, Math.Max(1, CachedWeightBytes / bytesPerRow / LoweredProgram.PanelRows) * LoweredProgram.PanelRows);
        return i with { Begin = 0, End = kept, MultiplyAdds = i.MultiplyAdds / rows * kept };
    }

    private Matrix* MatrixOf(Weight weight, Instruction i)
    {
        var format = BlockFormat.Get(weight.Type);
        var matrix = (Matrix*)Take(sizeof(Matrix), 0);
        int rows = i.MultiplyAdds > 0 ? i.End : 1; // norms and embeddings read one row
        matrix->RawRowBytes = format.BytesOf(weight.Columns);
        matrix->TileBytes = _kernels.TileBytes(weight.Type, weight.Columns);
        matrix->Rows = rows;
        matrix->Columns = weight.Columns;
        matrix->Decode = format.Decoder;
        matrix->DecodeRow = matrix->TileBytes > 0 ? _kernels.PackedRowDecoderOf(weight.Type) : KernelTable.RawRowDecoder;
        matrix->Raw = Take(matrix->RawRowBytes * rows);
        matrix->Packed = matrix->TileBytes == 0 ? null : Take(matrix->TileBytes * ((rows + KernelTable.TileRows - 1) / KernelTable.TileRows));
        return matrix;
    }

    /// <summary>Rows of a buffer of our own; of a matrix's output only the columns that are computed.</summary>
    private ActivationView ViewOf(StreamProgram program, Instruction i, int id)
    {
        if (id < 0 || program.Buffers[id].Place == BufferPlace.Cache)
        {
            return default;
        }

        var buffer = program.Buffers[id];
        bool isPart = id == i.Output && i.MultiplyAdds > 0;
        var layout = new ActivationLayout(buffer.Forms, isPart ? Math.Min(buffer.Columns, (i.End + LoweredProgram.PanelRows - 1) / LoweredProgram.PanelRows * LoweredProgram.PanelRows) : buffer.Columns);
        return new ActivationView(Take((long)layout.RowBytes * buffer.Rows), layout);
    }

    /// <summary>Seconds of a step: the fastest of a few trials, each long enough for the clock.</summary>
    private double Time(in KernelKey key, Step* step, int rows, int context)
    {
        _tick->Rows = rows;
        _tick->Selected = rows;
        for (int row = 0; row < rows; row++)
        {
            // Kernels that look at positions see a stretch of a prompt; it stays within the cache.
            _positions[row] = context - 1 + (row % RunRows);
        }

        step->Run(step, _lane);
        long once = Once(step, 1);
        int repeats = (int)Math.Clamp(LeastTicks / Math.Max(1, once), 1, 1000);
        long fastest = long.MaxValue, spent = 0;
        for (int trial = 0; trial < Trials && spent < Trials * MostTicks; trial++)
        {
            long ticks = Once(step, repeats);
            fastest = Math.Min(fastest, ticks);
            spent += ticks;
        }

        return _fastest.With((key, rows, context), (double)fastest / repeats / Stopwatch.Frequency);
    }

    private long Once(Step* step, int repeats)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < repeats; i++)
        {
            step->Run(step, _lane);
        }

        return Stopwatch.GetTimestamp() - start;
    }

    private byte* Take(long bytes, byte filler = Filler)
    {
        // Kernels may read a little beyond the end, and prefetch more.
        var buffer = new NativeBuffer(bytes + 64);
        _memory.Add(buffer);
        new Span<byte>(buffer.Data, checked((int)bytes)).Fill(filler);
        return buffer.Data;
    }
}
