using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Cpu.Kernels;

/// <summary>The kernels of one instruction set: chosen once when a program is lowered, never looked up at run time.</summary>
internal abstract unsafe class KernelTable
{
    /// <summary>The instruction set.</summary>
    public abstract CpuIsa Isa { get; }

    /// <summary>Whether cache rows stand interleaved (see <see cref="PanelLayout"/>).</summary>
    public abstract bool InterleavesCache { get; }

    /// <summary>Entry point of an opcode.</summary>
    public abstract delegate*<Step*, LaneState*, void> EntryOf(Opcode opcode);

    /// <summary>Gives a step the constants that its entry point needs of an instruction.</summary>
    public abstract void Bind(ref Step step, in Instruction instruction, StepResources resources);

    /// <summary>The form in which rows must reach a matrix.</summary>
    public abstract ActivationForms FormFor(GgmlType type, ActivationMode mode, int rows);

    /// <summary>Matrix kernel for ticks of up to <paramref name="rows"/> rows.</summary>
    public abstract delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> ProductOf(GgmlType type, ActivationMode mode, int rows);

    /// <summary>Bytes of a tile of 16 rows as repacked, or 0 when the kernels read the file's own layout.</summary>
    public abstract long TileBytes(GgmlType type, int columns);

    /// <summary>Repacks tiles [begin, end) of a matrix.</summary>
    public abstract void Pack(GgmlType type, in Matrix matrix, int beginTile, int endTile);

    /// <summary>Decodes a row of a repacked matrix to f32: matrix, row, target.</summary>
    public abstract delegate*<Matrix*, int, float*, void> PackedRowDecoderOf(GgmlType type);

    /// <summary>Decodes a row of a matrix as the file has it.</summary>
    public static delegate*<Matrix*, int, float*, void> RawRowDecoder => &DecodeRaw;

    /// <summary>Bytes that kernels read of a matrix.</summary>
    public long StoredBytes(Weight matrix, ActivationMode mode)
    {
        long tile = TileBytes(matrix.Type, matrix.Columns);
        return tile == 0 ? matrix.Bytes : tile * ((matrix.Rows + TileRows - 1) / TileRows) * matrix.Count;
    }

    /// <summary>
    /// Version of the layout that <see cref="Pack"/> makes, the same for every instruction set. It goes up with every change of the layout, so that
    /// repacked weights that were kept are repacked.
    /// </summary>
    public const int LayoutVersion = 1;

    /// <summary>Rows of a tile.</summary>
    public const int TileRows = 16;

    /// <summary>Bytes of scratch that matrix kernels need beside result panels, for the weights of a model.</summary>
    public abstract long ScratchBytes(IEnumerable<Weight> weights);

    private static void DecodeRaw(Matrix* matrix, int row, float* target) => matrix->Decode(matrix->Raw + (row * matrix->RawRowBytes), target, matrix->Columns);
}
