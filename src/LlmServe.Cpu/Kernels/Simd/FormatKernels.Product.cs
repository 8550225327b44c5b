using System.Runtime.CompilerServices;
using LlmServe.Compiler.Graph;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Cpu.Kernels.Vnni;
using LlmServe.Execution;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <inheritdoc/>
internal sealed unsafe class FormatKernels<TSimd, V, TBlock, TCodes> : FormatKernels
    where TSimd : struct, ISimd<V>
    where V : unmanaged
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    /// <summary>Up to this many rows a tile is multiplied with four rows at a time; above, it is unpacked first. Where vectors are wide, unpacking pays later.</summary>
    private static int SeveralRows => TSimd.Lanes == 16 ? 16 : 8;

    /// <summary>
    /// Runs the static initialisers before the JIT sees a kernel, so that it takes their layout constants for constants.
    /// </summary>
    public FormatKernels()
    {
        RuntimeHelpers.RunClassConstructor(typeof(TCodes).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(ScaleLoad<TSimd, V, TBlock>).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(PackedLayout<TBlock, TCodes>).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(PieceProduct<TSimd, V, TBlock, TCodes>).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(FewRowsProduct<TSimd, V, TBlock, TCodes>).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(SeveralRowsProduct<TSimd, V, TBlock, TCodes>).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(ManyRowsProduct<TSimd, V, TBlock, TCodes>).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(FewRowsRealProduct<TSimd, V, TBlock, TCodes>).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(RealProduct<TSimd, V, TBlock, TCodes>).TypeHandle);
    }

    public override long ScratchBytes => Math.Max(
        ManyRowsProduct<TSimd, V, TBlock, TCodes>.ScratchBytes,
        Math.Max(FewRowsRealProduct<TSimd, V, TBlock, TCodes>.ScratchBytes, RealProduct<TSimd, V, TBlock, TCodes>.ScratchBytes(CpuOptions.MostRowsPerTick)));

    public override ActivationForms FormFor(ActivationMode mode, int rows)
    {
        if (mode == ActivationMode.F32)
        {
            return ActivationForms.Real | (!PackedLayout<TBlock, TCodes>.HasMinimum ? ActivationForms.None : TBlock.SubBlockSize == 16 ? CpuForms.RealSums16 : CpuForms.RealSums32);
        }

        bool wide = TCodes.IsWide && !TSimd.SumsSignedBytes;
        return wide ? CpuForms.Signed16 : rows <= SeveralRows || TSimd.SumsSignedBytes ? CpuForms.Signed8 : CpuForms.Unsigned8;
    }

    public override long TileBytes(int columns) => PackedLayout<TBlock, TCodes>.TileBytes(columns);

    public override void Pack(in Matrix matrix, int beginTile, int endTile) => PackedLayout<TBlock, TCodes>.Pack(matrix, beginTile, endTile);

    public override delegate*<Matrix*, int, float*, void> RowDecoder => &PackedRow<TSimd, V, TBlock, TCodes>.Decode;

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
