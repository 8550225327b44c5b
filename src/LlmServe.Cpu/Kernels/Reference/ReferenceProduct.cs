using LlmServe.Execution;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Reference;

/// <summary>The scalar matrix kernel of a block format, as an address: what <see cref="KernelTable.ProductOf"/> returns.</summary>
internal sealed unsafe class ReferenceProduct(ActivationMode mode) : IBlockFormatVisitor<nint>
{
    public nint Visit<TBlock>() where TBlock : unmanaged, IBlockFormat<TBlock>
    {
        delegate*<Execution.Matrix*, Execution.ActivationView*, int, int, int, float*, int, byte*, void> product =
            mode == ActivationMode.Int8 ? &ReferenceMatMul.Int8<TBlock> : &ReferenceMatMul.Real<TBlock>;
        return (nint)product;
    }
}
