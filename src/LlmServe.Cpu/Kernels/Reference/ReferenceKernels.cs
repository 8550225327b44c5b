using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Reference;

/// <summary>The scalar backend: reads weights as the file stores them.</summary>
internal sealed unsafe class ReferenceKernels : KernelTable
{
    public override CpuIsa Isa => CpuIsa.Scalar;

    public override bool InterleavesCache => false;

    public override delegate*<Step*, LaneState*, void> EntryOf(Opcode opcode) => EntryOf<ReferenceRows>(opcode);

    public override ActivationForms FormFor(GgmlType type, ActivationMode mode, int rows) =>
        mode == ActivationMode.Int8 && BlockFormat.Get(type).IsQuantized ? ActivationForms.Signed8 : ActivationForms.Real;

    public override long TileBytes(GgmlType type, int columns) => 0;

    public override void Pack(GgmlType type, in Matrix matrix, int beginTile, int endTile)
    {
        // Nothing to do: TileBytes is 0.
    }

    public override long ScratchBytes(int largestColumns) => (long)largestColumns * sizeof(float);

    public override delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> ProductOf(GgmlType type, ActivationMode mode, int rows) => type switch
    {
        GgmlType.F32 or GgmlType.F16 or GgmlType.BF16 => &ReferenceMatMul.Float,
        GgmlType.Q8_0 => Quantized<Q8_0>(mode),
        GgmlType.Q4_0 => Quantized<Q4_0>(mode),
        GgmlType.Q4_1 => Quantized<Q4_1>(mode),
        GgmlType.Q5_0 => Quantized<Q5_0>(mode),
        GgmlType.Q5_1 => Quantized<Q5_1>(mode),
        GgmlType.Q2_K => Quantized<Q2_K>(mode),
        GgmlType.Q3_K => Quantized<Q3_K>(mode),
        GgmlType.Q4_K => Quantized<Q4_K>(mode),
        GgmlType.Q5_K => Quantized<Q5_K>(mode),
        GgmlType.Q6_K => Quantized<Q6_K>(mode),
        GgmlType.IQ4_NL => Quantized<IQ4_NL>(mode),
        GgmlType.IQ4_XS => Quantized<IQ4_XS>(mode),
        _ => throw new GgufException($"no matrix kernel for {type}"),
    };

    private static delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> Quantized<TFormat>(ActivationMode mode)
        where TFormat : unmanaged, IBlockFormat<TFormat> =>
        mode == ActivationMode.Int8 ? &ReferenceMatMul.Int8<TFormat> : &ReferenceMatMul.Real<TFormat>;
}
