using LlmServe.Compiler.Graph;
using LlmServe.Cpu.Execution;
using LlmServe.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>The kernels of a block format for one vector width, over the planes that hold its codes.</summary>
internal abstract unsafe class FormatKernels
{
    /// <summary>Up to this many rows a tile is multiplied with one row after the other as it streams in.</summary>
    public const int FewRows = 1;

    /// <summary>Up to this many rows weights of <c>f32</c> mode and of float formats are widened in registers as they stream in; above, into panels.</summary>
    public const int StreamedRows = 3;

    /// <summary>Scratch that kernels need.</summary>
    public abstract long ScratchBytes { get; }

    /// <inheritdoc cref="KernelTable.FormFor"/>
    public abstract ActivationForms FormFor(ActivationMode mode, int rows);

    /// <inheritdoc cref="KernelTable.TileBytes"/>
    public abstract long TileBytes(int columns);

    /// <inheritdoc cref="KernelTable.Pack"/>
    public abstract void Pack(in Matrix matrix, int beginTile, int endTile);

    /// <inheritdoc cref="KernelTable.PackedRowDecoderOf"/>
    public abstract delegate*<Matrix*, int, float*, void> RowDecoder { get; }

    /// <inheritdoc cref="KernelTable.ProductOf"/>
    public abstract delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> ProductOf(ActivationMode mode, int rows);

    /// <summary>The product of <c>int8</c> mode by dot product instructions.</summary>
    public abstract delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> DotProduct { get; }
}
