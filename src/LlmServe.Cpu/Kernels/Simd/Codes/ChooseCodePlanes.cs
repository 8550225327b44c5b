using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd.Codes;

/// <summary>Kernels for a format, over the planes that fit its codes.</summary>
internal sealed class ChooseCodePlanes<TSimd, V> : IBlockFormatVisitor<FormatKernels>
    where TSimd : struct, ISimd<V>
    where V : unmanaged
{
    public FormatKernels Visit<TBlock>() where TBlock : unmanaged, IBlockFormat<TBlock> => (TBlock.CodeBits, !TBlock.CodeTable.IsEmpty) switch
    {
        (1, false) => new FormatKernels<TSimd, V, TBlock, OneBit<TBlock>>(),
        (2, false) => new FormatKernels<TSimd, V, TBlock, TwoBit<TBlock>>(),
        (3, false) => new FormatKernels<TSimd, V, TBlock, ThreeBit<TBlock>>(),
        (4, false) => new FormatKernels<TSimd, V, TBlock, FourBit<TBlock>>(),
        (5, false) => new FormatKernels<TSimd, V, TBlock, FiveBit<TBlock>>(),
        (6, false) => new FormatKernels<TSimd, V, TBlock, SixBit<TBlock>>(),
        (8, false) => new FormatKernels<TSimd, V, TBlock, EightBit<TBlock>>(),
        (3, true) => new FormatKernels<TSimd, V, TBlock, TableCodes<TBlock, ThreeBit<TBlock>>>(),
        (4, true) => new FormatKernels<TSimd, V, TBlock, TableCodes<TBlock, FourBit<TBlock>>>(),
        var (bits, _) => throw new NotSupportedException($"{TBlock.Type}: no planes for codes of {bits} bits{(TBlock.CodeTable.IsEmpty ? "" : " that index a table")}"),
    };
}
