using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Compiler.Graph;

/// <summary>
/// A tensor of the model file that an operation reads, or rows of one. The graph knows its shape and format, never its bytes. A weight can be several
/// matrices of one shape (experts, heads), which lie one after the other.
/// </summary>
/// <param name="Id">Index in <see cref="CompiledModel.Weights"/>.</param>
/// <param name="Name">Tensor name in the file.</param>
/// <param name="Type">Element or block format; F32 for vectors.</param>
/// <param name="Rows">Outputs of a matrix; 1 for a vector.</param>
/// <param name="Columns">Inputs of a matrix; length of a vector.</param>
public sealed record Weight(int Id, string Name, GgmlType Type, int Rows, int Columns)
{
    /// <summary>Matrices.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Row of the tensor that the first matrix begins with: fused tensors hold the rows of several.</summary>
    public int FirstRow { get; init; }

    /// <summary>Column of the tensor that a vector begins with: fused tensors hold the numbers of several.</summary>
    public int FirstColumn { get; init; }

    /// <summary>Rows of the tensor from one matrix to the next; <see cref="Rows"/> unless it is fused.</summary>
    public int RowsApart { get; init; } = Rows;

    /// <summary>How it is read.</summary>
    public WeightUse Use { get; internal set; }

    /// <summary>Whether rows are stored as quantized blocks.</summary>
    public bool IsQuantized => BlockFormat.Get(Type).IsQuantized;

    /// <summary>Rows of all matrices.</summary>
    public long AllRows => (long)Rows * Count;

    /// <summary>Bytes of its rows as the file has them.</summary>
    public long Bytes => AllRows * Columns / BlockFormat.Get(Type).BlockSize * BlockFormat.Get(Type).BlockBytes;
}
