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

    public override delegate*<Step*, LaneState*, void> EntryOf(Opcode opcode) => StepTable<ReferenceRows>.EntryOf(opcode);

    public override void Bind(ref Step step, in Instruction instruction, StepResources resources) => StepTable<ReferenceRows>.Bind(ref step, instruction, resources);

    public override ActivationForms FormFor(GgmlType type, ActivationMode mode, int rows) =>
        mode == ActivationMode.Int8 && BlockFormat.Get(type).IsQuantized ? CpuForms.Signed8 : ActivationForms.Real;

    public override long TileBytes(GgmlType type, int columns) => 0;

    public override delegate*<Matrix*, int, float*, void> PackedRowDecoderOf(GgmlType type) => throw new NotSupportedException("the scalar kernels repack nothing");

    public override void Pack(GgmlType type, in Matrix matrix, int beginTile, int endTile)
    {
        // Nothing to do: TileBytes is 0.
    }

    public override long ScratchBytes(IEnumerable<Weight> weights) => (long)weights.Max(w => w.Columns) * sizeof(float);

    public override delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> ProductOf(GgmlType type, ActivationMode mode, int rows) => type switch
    {
        GgmlType.F32 or GgmlType.F16 or GgmlType.BF16 => &ReferenceMatMul.Float,
        _ => (delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void>)BlockFormat.Get(type).Accept(new ReferenceProduct(mode)),
    };
}
