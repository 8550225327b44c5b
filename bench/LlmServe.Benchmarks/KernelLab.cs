using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
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
    private const int CacheBuffer = 0;

    private readonly List<IDisposable> _memory = [];
    private readonly KernelTable _kernels;
    private readonly StepResources _resources;
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
        };
        _resources = new StepResources(new Dictionary<int, CacheLayout> { [CacheBuffer] = Cache(blocks) });
        _memory.Add(_resources);
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

    /// <summary>An instruction whose operands are still to be set, over all of <paramref name="end"/> columns.</summary>
    public Step* Step(Opcode opcode, int end)
    {
        var step = (Step*)Allocate(sizeof(Step));
        *step = new Step { Run = _kernels.EntryOf(opcode), End = end, EndShare = 1, Copies = 1, PanelRows = LoweredProgram.PanelRows, Constant = 1e-5f };
        return step;
    }

    /// <summary>Gives a step, whose operands are set, the constants of its opcode.</summary>
    public void Bind(Step* step, Opcode opcode, int columns)
    {
        Detail? detail = opcode switch
        {
            _ when opcode == Opcodes.Norm => new NormDetail(NormKind.Rms, columns),
            _ when opcode == Opcodes.RopeTable => RopeAngles(),
            _ when opcode == Opcodes.Rotate => new RopeLayout(RopePairing.Adjacent, HeadSize),
            _ when opcode == Opcodes.Store => new StoreDetail(AreValues: true, HeadSize),
            _ when opcode == Opcodes.Attention => new AttentionShape
            {
                QueryHeads = QueryHeads, KeyHeads = KeyHeads, KeySize = HeadSize, ValueSize = HeadSize, Scale = 1 / MathF.Sqrt(HeadSize),
            },
            _ => null,
        };
        _kernels.Bind(ref *step, new Instruction(opcode) { Detail = detail, Input2 = CacheBuffer, Output = CacheBuffer }, _resources);
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

        var norm = Step(Opcodes.Norm, columns);
        norm->Input = Rows(columns);
        norm->Output = Rows(columns, forms);
        norm->Weight = Gains(columns);
        Bind(norm, Opcodes.Norm, columns);
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

    private static RopeAngles RopeAngles() => new([.. Enumerable.Range(0, HeadSize / 2).Select(i => Math.Pow(500_000, -2.0 * i / HeadSize))]);

    /// <summary>One layer of random keys and values in f16.</summary>
    private CacheLayout Cache(int blocks)
    {
        var layout = CacheLayout.Of(new LayerCache(0, "cache", KeyHeads, HeadSize, HeadSize, ValuesInKeys: false, KvVisibility.All), KvElement.F16, _kernels.InterleavesCache);
        long elements = blocks * layout.LayerBytes / sizeof(Half);
        var data = (Half*)Allocate(elements * sizeof(Half));
        for (long i = 0; i < elements; i++)
        {
            data[i] = (Half)(_random.NextSingle() - 0.5f);
        }

        layout.Data = (byte*)data;
        layout.BlockBytes = layout.LayerBytes;
        layout.BlockTables = Integers(blocks, block => block);
        layout.BlocksPerSlot = blocks;
        return layout;
    }
}
