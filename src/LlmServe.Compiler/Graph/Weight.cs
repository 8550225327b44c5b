using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Compiler.Graph;

/// <summary>A tensor of the model file that an operation reads. The graph knows its shape and format, never its bytes.</summary>
/// <param name="Id">Index in <see cref="ModelGraph.Weights"/>.</param>
/// <param name="Name">Tensor name in the file.</param>
/// <param name="Type">Element or block format.</param>
/// <param name="Rows">Outputs of a matrix; 1 for a vector.</param>
/// <param name="Columns">Inputs of a matrix; length of a vector.</param>
public sealed record Weight(int Id, string Name, GgmlType Type, int Rows, int Columns)
{
    /// <summary>Whether rows are stored as quantized blocks.</summary>
    public bool IsQuantized => BlockFormat.Get(Type).IsQuantized;

    /// <summary>Bytes in the model file.</summary>
    public long Bytes => (long)Rows * Columns / BlockFormat.Get(Type).BlockSize * BlockFormat.Get(Type).BlockBytes;
}
