using System.Runtime.CompilerServices;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Cpu.Kernels.Vnni;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Kernels over repacked weights for one vector width.</summary>
internal sealed unsafe class SimdKernels<TSimd, V>(CpuIsa isa) : KernelTable
    where TSimd : struct, ISimd<V>
    where V : unmanaged
{
    /// <summary>Up to this many rows a tile is multiplied with one row after the other as it streams in.</summary>
    private const int FewRows = 1;

    /// <summary>Up to this many it is multiplied with four rows at a time; above, it is unpacked first. Where vectors are wide, unpacking pays later.</summary>
    private static int SeveralRows => TSimd.Lanes == 16 ? 16 : 8;

    /// <summary>Up to this many rows weights of <c>f32</c> mode and of float formats are widened in registers as they stream in; above, into panels.</summary>
    private const int StreamedRows = 3;

    public override CpuIsa Isa => isa;

    public override bool InterleavesCache => true;

    public override delegate*<Step*, LaneState*, void> EntryOf(Opcode opcode) =>
        TSimd.Lanes == 16 ? EntryOf<SimdRows<Width512>>(opcode) : EntryOf<SimdRows<Width256>>(opcode);

    public override ActivationForms FormFor(GgmlType type, ActivationMode mode, int rows)
    {
        if (!BlockFormat.Get(type).IsQuantized)
        {
            return ActivationForms.Real;
        }

        return TakesDots(mode, rows) ? ActivationForms.Signed8 : Entry(type).FormFor(mode, rows);
    }

    public override long TileBytes(GgmlType type, int columns) => BlockFormat.Get(type).IsQuantized ? Entry(type).TileBytes(columns) : 0;

    public override void Pack(GgmlType type, in Matrix matrix, int beginTile, int endTile) => Entry(type).Pack(matrix, beginTile, endTile);

    public override long ScratchBytes(int largestColumns) =>
        Math.Max(Math.Max((long)largestColumns * sizeof(float), FloatTile.ScratchBytes(CpuOptions.MostRowsPerTick)), _formats.Values.Max(f => f.ScratchBytes));

    public override delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> ProductOf(GgmlType type, ActivationMode mode, int rows) => type switch
    {
        GgmlType.F32 => Float<SingleCodes>(rows),
        GgmlType.F16 => Float<HalfCodes>(rows),
        GgmlType.BF16 => Float<BrainCodes>(rows),
        _ => TakesDots(mode, rows) ? Entry(type).DotProduct : Entry(type).ProductOf(mode, rows),
    };

    private static delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> Float<TCodes>(int rows) where TCodes : struct, IFloatCodes =>
        rows <= StreamedRows ? &FloatProduct<TCodes>.FewRows : &FloatProduct<TCodes>.ManyRows;

    /// <summary>Whether products are those of <see cref="VnniProduct{TBlock, TCodes}"/>. With one row, which waits for memory, the other kernel was 13 % faster.</summary>
    private bool TakesDots(ActivationMode mode, int rows) => isa == CpuIsa.Avx512Vnni && mode == ActivationMode.Int8 && rows > FewRows;

    private readonly Dictionary<GgmlType, FormatEntry> _formats = new FormatEntry[]
    {
        new FormatEntry<Q8_0, EightBit>(),
        new FormatEntry<Q4_0, FourBit<Bias8>>(),
        new FormatEntry<Q4_1, FourBit<NoBias>>(),
        new FormatEntry<Q5_0, FiveBit<Bias16>>(),
        new FormatEntry<Q5_1, FiveBit<NoBias>>(),
        new FormatEntry<Q2_K, TwoBit>(),
        new FormatEntry<Q3_K, ThreeBit>(),
        new FormatEntry<Q4_K, FourBit<NoBias>>(),
        new FormatEntry<Q5_K, FiveBit<NoBias>>(),
        new FormatEntry<Q6_K, SixBit>(),
        new FormatEntry<IQ4_NL, TableFourBit>(),
        new FormatEntry<IQ4_XS, TableFourBit>(),
    }.ToDictionary(f => f.Type);

    private FormatEntry Entry(GgmlType type) => _formats.TryGetValue(type, out var entry)
        ? entry
        : throw new GgufException($"no matrix kernel for {type}; supported: {string.Join(", ", _formats.Keys)}");

    /// <summary>A block format with the planes that hold its codes: the row of the kernel table.</summary>
    private abstract class FormatEntry
    {
        public abstract GgmlType Type { get; }

        public abstract long ScratchBytes { get; }

        public abstract ActivationForms FormFor(ActivationMode mode, int rows);

        public abstract long TileBytes(int columns);

        public abstract void Pack(in Matrix matrix, int beginTile, int endTile);

        public abstract delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> ProductOf(ActivationMode mode, int rows);

        /// <summary>The product of <c>int8</c> mode by dot product instructions.</summary>
        public abstract delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> DotProduct { get; }
    }

    private sealed class FormatEntry<TBlock, TCodes> : FormatEntry
        where TBlock : unmanaged, IBlockFormat<TBlock>
        where TCodes : struct, ICodePlanes
    {
        /// <summary>
        /// Runs the static initialisers before the JIT sees a kernel, so that it takes their layout constants for constants.
        /// </summary>
        public FormatEntry()
        {
            RuntimeHelpers.RunClassConstructor(typeof(PackedLayout<TBlock, TCodes>).TypeHandle);
            RuntimeHelpers.RunClassConstructor(typeof(PieceProduct<TSimd, V, TBlock, TCodes>).TypeHandle);
            RuntimeHelpers.RunClassConstructor(typeof(FewRowsProduct<TSimd, V, TBlock, TCodes>).TypeHandle);
            RuntimeHelpers.RunClassConstructor(typeof(SeveralRowsProduct<TSimd, V, TBlock, TCodes>).TypeHandle);
            RuntimeHelpers.RunClassConstructor(typeof(ManyRowsProduct<TSimd, V, TBlock, TCodes>).TypeHandle);
            RuntimeHelpers.RunClassConstructor(typeof(FewRowsRealProduct<TSimd, V, TBlock, TCodes>).TypeHandle);
            RuntimeHelpers.RunClassConstructor(typeof(RealProduct<TSimd, V, TBlock, TCodes>).TypeHandle);
        }

        public override GgmlType Type => TBlock.Type;

        public override long ScratchBytes => Math.Max(
            ManyRowsProduct<TSimd, V, TBlock, TCodes>.ScratchBytes,
            Math.Max(FewRowsRealProduct<TSimd, V, TBlock, TCodes>.ScratchBytes, RealProduct<TSimd, V, TBlock, TCodes>.ScratchBytes(CpuOptions.MostRowsPerTick)));

        public override ActivationForms FormFor(ActivationMode mode, int rows)
        {
            if (mode == ActivationMode.F32)
            {
                bool minimum = TBlock.Kind is BlockKind.WithMinimum or BlockKind.SuperWithMinimum;
                return ActivationForms.Real | (!minimum ? ActivationForms.None : TBlock.SubBlockSize == 16 ? ActivationForms.RealSums16 : ActivationForms.RealSums32);
            }

            bool wide = TCodes.Wide && !TSimd.SumsSignedBytes;
            return wide ? ActivationForms.Signed16 : rows <= SeveralRows || TSimd.SumsSignedBytes ? ActivationForms.Signed8 : ActivationForms.Unsigned8;
        }

        public override long TileBytes(int columns) => PackedLayout<TBlock, TCodes>.TileBytes(columns);

        public override void Pack(in Matrix matrix, int beginTile, int endTile) => PackedLayout<TBlock, TCodes>.Pack(matrix, beginTile, endTile);

        public override delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> DotProduct
        {
            get
            {
                // Writes the code now, not in the first tick.
                RuntimeHelpers.RunClassConstructor(typeof(VnniProduct<TBlock, TCodes>).TypeHandle);
                return &VnniProduct<TBlock, TCodes>.Run;
            }
        }

        public override delegate*<Matrix*, ActivationView*, int, int, int, float*, int, byte*, void> ProductOf(ActivationMode mode, int rows)
        {
            if (mode == ActivationMode.F32)
            {
                return rows <= StreamedRows ? &FewRowsRealProduct<TSimd, V, TBlock, TCodes>.Run : &RealProduct<TSimd, V, TBlock, TCodes>.Run;
            }

            return rows <= FewRows ? &FewRowsProduct<TSimd, V, TBlock, TCodes>.Run
                : rows <= SeveralRows ? &SeveralRowsProduct<TSimd, V, TBlock, TCodes>.Run
                : &ManyRowsProduct<TSimd, V, TBlock, TCodes>.Run;
        }
    }
}
