using System.Runtime.CompilerServices;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>The parts of a packed segment at one of its pieces. Codes end a segment, so that after the last piece they point at the next segment.</summary>
internal unsafe struct SegmentCursor<TBlock, TCodes>
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    private const int TileRows = PackedLayout<TBlock, TCodes>.TileRows;

    public byte* Scales;
    public byte* Minimums;
    public byte* SubScales;
    public byte* SubMinimums;
    public byte* Codes;

    /// <summary>The first of <paramref name="pieces"/> pieces.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SegmentCursor(byte* segment, int pieces)
    {
        // As PackedLayout.CodesOffset, but written out: more methods to inline would exhaust what the JIT inlines into a kernel.
        int scaleBytes = (PackedLayout<TBlock, TCodes>.IsSuper ? 1 : pieces) * TileRows * 2;
        int subBytes = PackedLayout<TBlock, TCodes>.IsSuper ? pieces * PackedLayout<TBlock, TCodes>.SubStride : 0;
        Scales = segment;
        Minimums = Scales + scaleBytes;
        SubScales = Minimums + (PackedLayout<TBlock, TCodes>.HasMinimum ? scaleBytes : 0);
        SubMinimums = SubScales + subBytes;
        Codes = SubMinimums + (TBlock.Kind == BlockKind.SuperWithMinimum ? subBytes : 0);
    }

    /// <summary>Goes on by some pieces, outside of inner loops.</summary>
    public void Skip(int pieces)
    {
        for (int i = 0; i < pieces; i++)
        {
            Next();
        }
    }

    /// <summary>Goes to the next piece.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next()
    {
        Codes += TCodes.PieceBytes;
        if (PackedLayout<TBlock, TCodes>.IsSuper)
        {
            SubScales += PackedLayout<TBlock, TCodes>.SubStride;
            SubMinimums += PackedLayout<TBlock, TCodes>.SubStride;
        }
        else
        {
            Scales += TileRows * 2;
            Minimums += TileRows * 2;
        }
    }
}
