using System.Collections.Concurrent;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Kernels over repacked weights for one vector width.</summary>
internal sealed unsafe class SimdKernels<TSimd, V>(CpuIsa isa) : KernelTable
    where TSimd : struct, ISimd<V>
    where V : unmanaged
{
    private readonly ConcurrentDictionary<GgmlType, FormatKernels> _formats = new();

    public override CpuIsa Isa => isa;

    public override bool InterleavesCache => true;

    public override delegate*<Step*, LaneState*, void> EntryOf(Opcode opcode) =>
        TSimd.Lanes == 16 ? StepTable<SimdRows<Width512>>.EntryOf(opcode) : StepTable<SimdRows<Width256>>.EntryOf(opcode);

    public override void Bind(ref Step step, in Instruction instruction, StepResources resources)
    {
        if (TSimd.Lanes == 16)
        {
            StepTable<SimdRows<Width512>>.Bind(ref step, instruction, resources);
        }
        else
        {
            StepTable<SimdRows<Width256>>.Bind(ref step, instruction, resources);
        }
    }

    public override ActivationForms FormFor(GgmlType type, ActivationMode mode, int rows)
    {
        if (!BlockFormat.Get(type).IsQuantized)
        {
            return ActivationForms.Real;
        }

        return TakesDots(mode, rows) ? CpuForms.Signed8 : Formats(type).FormFor(mode, rows);
    }

    public override long TileBytes(GgmlType type, int columns) => BlockFormat.Get(type).IsQuantized ? Formats(type).TileBytes(columns) : 0;

    public override void Pack(GgmlType type, in Matrix matrix, int beginTile, int endTile) => Formats(type).Pack(matrix, beginTile, endTile);

    public override delegate*<Matrix*, int, float*, void> PackedRowDecoderOf(GgmlType type) => Formats(type).RowDecoder;

    public override long ScratchBytes(IEnumerable<Weight> weights)
    {
        long bytes = FloatTile.ScratchBytes(CpuOptions.MostRowsPerTick);
        foreach (var weight in weights)
        {
            bytes = Math.Max(bytes, Math.Max((long)weight.Columns * sizeof(float), weight.IsQuantized ? Formats(weight.Type).ScratchBytes : 0));
        }

        return bytes;
    }

    public override delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> ProductOf(GgmlType type, ActivationMode mode, int rows) => type switch
    {
        GgmlType.F32 => Float<SingleCodes>(rows),
        GgmlType.F16 => Float<HalfCodes>(rows),
        GgmlType.BF16 => Float<BrainCodes>(rows),
        _ => TakesDots(mode, rows) ? Formats(type).DotProduct : Formats(type).ProductOf(mode, rows),
    };

    private static delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> Float<TCodes>(int rows) where TCodes : struct, IFloatCodes =>
        rows <= FormatKernels.StreamedRows ? &FloatProduct<TCodes>.FewRows : &FloatProduct<TCodes>.ManyRows;

    /// <summary>Whether products are those of <see cref="Vnni.VnniProduct{TBlock, TCodes}"/>. With one row, which waits for memory, the other kernel was 13 % faster.</summary>
    private bool TakesDots(ActivationMode mode, int rows) => isa == CpuIsa.Avx512Vnni && mode == ActivationMode.Int8 && rows > FormatKernels.FewRows;

    /// <summary>The kernels of a block format; made when they are first asked for.</summary>
    private FormatKernels Formats(GgmlType type)
    {
        if (!_formats.TryGetValue(type, out var kernels))
        {
            kernels = _formats.GetOrAdd(type, BlockFormat.Get(type).Accept(new ChooseCodePlanes<TSimd, V>()));
        }

        return kernels;
    }
}
