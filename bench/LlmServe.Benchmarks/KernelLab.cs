using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Memory;
using LlmServe.Execution;
using LlmServe.Gguf.Formats;

namespace LlmServe.Benchmarks;

/// <summary>One lane and the operands of single instructions, outside any program: the same entry points that a program calls.</summary>
internal sealed unsafe class KernelLab : IDisposable
{
    /// <summary>Heads of the shape that attention and rotation are measured with: those of a 1B model.</summary>
    public const int QueryHeads = 32, KeyHeads = 8, HeadSize = 64;

    private const int ScratchBytes = 32 << 20;

    private readonly List<IDisposable> _memory = [];
    private readonly KernelTable _kernels;
    private readonly TickState* _tick;
    private readonly LaneState* _lane;
    private readonly Random _random = new(1);

    /// <param name="isa">Instruction set.</param>
    /// <param name="rows">Rows of the tick: one sequence at consecutive positions.</param>
    /// <param name="context">Positions before the first row.</param>
    public KernelLab(CpuIsa isa, int rows, int context = 0)
    {
        _kernels = IsaSelector.Select(isa);
        _tick = (TickState*)Allocate(sizeof(TickState));
        _lane = (LaneState*)Allocate(sizeof(LaneState));
        *_lane = new LaneState { Lane = 0, Lanes = 1, Tick = _tick, Scratch = Allocate(ScratchBytes) };
        int blocks = KvBlock.CountFor(context + rows);
        *_tick = new TickState
        {
            Rows = rows,
            Selected = rows,
            Tokens = Integers(rows, _ => 0),
            Positions = Integers(rows, row => context + row),
            Slots = Integers(rows, _ => 0),
            SelectedRows = Integers(rows, row => row),
            BlockTables = Integers(blocks, block => block),
            BlocksPerSlot = blocks,
            Shape = Shape(),
            Kv = Cache(blocks),
        };
    }

    /// <summary>Runs a step on the lane.</summary>
    public void Run(Step* step) => step->Run(step, _lane);

    /// <summary>Runs a step twice and refuses it if the second run allocates: ticks must not.</summary>
    /// <exception cref="InvalidOperationException">It allocated.</exception>
    public void RequireNoAllocation(Step* step)
    {
        // The first run pays for static constructors.
        Run(step);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(step);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated != 0)
        {
            throw new InvalidOperationException($"a kernel allocated {allocated} bytes; ticks must not allocate");
        }
    }

    /// <summary>An instruction whose operands are still to be set, over all of <paramref name="end"/> columns or shares.</summary>
    public Step* Step(Opcode opcode, int end)
    {
        var step = (Step*)Allocate(sizeof(Step));
        *step = new Step { Run = _kernels.EntryOf(opcode), End = end, PanelRows = 96, Constant = 1e-5f };
        return step;
    }

    /// <summary>Rows of random numbers, or of zeros where they are not f32.</summary>
    public ActivationView Rows(int columns, ActivationForms forms = ActivationForms.Real)
    {
        var layout = new ActivationLayout(forms, columns);
        var view = new ActivationView(Allocate((long)layout.RowBytes * _tick->Rows), layout);
        for (int row = 0; forms == ActivationForms.Real && row < _tick->Rows; row++)
        {
            Fill(new Span<float>(view.Real(row), columns));
        }

        return view;
    }

    /// <summary>Random rows in the form in which a matrix of this format wants them.</summary>
    public ActivationView RowsFor(BlockFormat format, ActivationMode mode, int columns)
    {
        var forms = _kernels.FormFor(format.Type, mode, _tick->Rows);
        if (forms == ActivationForms.Real)
        {
            return Rows(columns);
        }

        var norm = Step(Opcode.Norm, 1);
        norm->Input = Rows(columns);
        norm->Output = Rows(columns, forms);
        norm->Weight = Gains(columns);
        Run(norm);
        return norm->Output;
    }

    /// <summary>A random matrix, repacked as the kernels want it.</summary>
    public Matrix* Matrix(BlockFormat format, int rows, int columns)
    {
        float[] weights = new float[rows * columns];
        Fill(weights);
        byte[] blocks = new byte[format.BytesOf(weights.Length)];
        format.Encode(weights, blocks);
        var matrix = (Matrix*)Allocate(sizeof(Matrix));
        *matrix = new Matrix { Raw = Allocate(blocks.Length), RawRowBytes = format.BytesOf(columns), Rows = rows, Columns = columns, Decode = format.Decoder };
        blocks.CopyTo(new Span<byte>(matrix->Raw, blocks.Length));
        matrix->TileBytes = _kernels.TileBytes(format.Type, columns);
        if (matrix->TileBytes > 0)
        {
            int tiles = (rows + KernelTable.TileRows - 1) / KernelTable.TileRows;
            matrix->Packed = Allocate(matrix->TileBytes * tiles);
            _kernels.Pack(format.Type, *matrix, 0, tiles);
        }

        return matrix;
    }

    /// <summary>The matrix kernel for this lab's rows.</summary>
    public void SetProduct(Step* step, BlockFormat format, ActivationMode mode) => step->Product = _kernels.ProductOf(format.Type, mode, _tick->Rows);

    /// <summary>Gains of a norm, all one.</summary>
    public Matrix* Gains(int columns)
    {
        var matrix = (Matrix*)Allocate(sizeof(Matrix));
        *matrix = new Matrix { Raw = Allocate((long)columns * sizeof(float)), RawRowBytes = columns * sizeof(float), Rows = 1, Columns = columns };
        new Span<float>(matrix->Raw, columns).Fill(1);
        return matrix;
    }

    public void Dispose() => _memory.ForEach(buffer => buffer.Dispose());

    private byte* Allocate(long bytes)
    {
        var buffer = new NativeBuffer(bytes);
        _memory.Add(buffer);
        return buffer.Data;
    }

    private int* Integers(int count, Func<int, int> value)
    {
        var data = (int*)Allocate((long)count * sizeof(int));
        for (int i = 0; i < count; i++)
        {
            data[i] = value(i);
        }

        return data;
    }

    private void Fill(Span<float> numbers)
    {
        foreach (ref float number in numbers)
        {
            number = _random.NextSingle() - 0.5f;
        }
    }

    private ShapeConstants Shape()
    {
        const int Pairs = HeadSize / 2;
        var frequencies = (double*)Allocate(Pairs * sizeof(double));
        for (int i = 0; i < Pairs; i++)
        {
            frequencies[i] = Math.Pow(500_000, -2.0 * i / HeadSize);
        }

        return new ShapeConstants
        {
            QueryHeads = QueryHeads,
            KeyHeads = KeyHeads,
            HeadSize = HeadSize,
            HeadsPerKeyHead = QueryHeads / KeyHeads,
            RopePairs = Pairs,
            AttentionScale = 1 / MathF.Sqrt(HeadSize),
            RopeFrequencies = frequencies,
        };
    }

    /// <summary>One layer of random keys and values in f16.</summary>
    private KvLayout Cache(int blocks)
    {
        long elements = (long)KeyHeads * HeadSize * 2 * KvBlock.Positions;
        var data = (Half*)Allocate(blocks * elements * sizeof(Half));
        for (long i = 0; i < blocks * elements; i++)
        {
            data[i] = (Half)(_random.NextSingle() - 0.5f);
        }

        return new KvLayout
        {
            Data = (byte*)data,
            BlockBytes = elements * sizeof(Half),
            Element = KvElement.F16,
            KeyHeads = KeyHeads,
            HeadSize = HeadSize,
            Interleaved = _kernels.InterleavesCache,
        };
    }
}
