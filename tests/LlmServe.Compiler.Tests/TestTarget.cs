using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Tests;

/// <summary>A backend that exists only for the compiler: 8-bit rows for quantized matrices, in a form that depends on format and rows.</summary>
internal sealed class TestTarget(int lanes, bool int8 = true) : ITarget
{
    public const int RepeatedRows = 4;

    public string Name => "test";

    public int Lanes => lanes;

    public ActivationForms FormFor(Weight matrix, int rows) =>
        !int8 || !matrix.IsQuantized ? ActivationForms.Real
        : matrix.Type == GgmlType.Q8_0 ? ActivationForms.Signed16
        : rows <= 2 ? ActivationForms.Signed8 : ActivationForms.Unsigned8;

    public int RowBytes(ActivationForms forms, int columns)
    {
        int bytes = forms.HasFlag(ActivationForms.Real) ? columns * 4 : 0;
        bytes += forms.HasFlag(ActivationForms.Signed16) ? columns * 2 : 0;
        bytes += forms == ActivationForms.Real ? 0 : columns + (columns / 4);
        return (bytes + 63) / 64 * 64;
    }

    public bool RepeatNorms(int rows) => rows <= RepeatedRows;

    public long StoredBytes(Weight matrix) => matrix.Bytes;
}
