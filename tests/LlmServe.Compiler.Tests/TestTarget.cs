using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Tests;

/// <summary>A backend that exists only for the compiler: 8-bit rows for quantized matrices, in a form that depends on format and rows.</summary>
internal sealed class TestTarget(int lanes, bool int8 = true) : ITarget
{
    public const int RepeatedRows = 4;

    public string Name => "test";

    public int Lanes => lanes;

    public const ActivationForms Signed8 = (ActivationForms)2, Unsigned8 = (ActivationForms)4, Signed16 = (ActivationForms)8;

    public ActivationForms FormFor(Weight matrix, int rows) =>
        !int8 || !matrix.IsQuantized ? ActivationForms.Real
        : matrix.Type == GgmlType.Q8_0 ? Signed16
        : rows <= 2 ? Signed8 : Unsigned8;

    public int RowBytes(ActivationForms forms, int columns)
    {
        int bytes = forms.HasFlag(ActivationForms.Real) ? columns * 4 : 0;
        bytes += forms.HasFlag(Signed16) ? columns * 2 : 0;
        bytes += forms == ActivationForms.Real ? 0 : columns + (columns / 4);
        return (bytes + 63) / 64 * 64;
    }

    public bool RepeatsRows(int rows) => rows <= RepeatedRows;

    public int GroupOf(ActivationForms forms) => forms == ActivationForms.Real ? 1 : 32;

    public int AttentionParts(AttentionShape shape, int rows, int context) => 2 * shape.QueryHeads * (shape.ValueSize + 2);

    public int CacheGroup(KvElement element, int headSize) => element == KvElement.Q8_0 ? KvBlock.ScaledRun : headSize % 16 == 0 ? 16 : headSize;

    public long StoredBytes(Weight matrix) => matrix.Bytes;
}
