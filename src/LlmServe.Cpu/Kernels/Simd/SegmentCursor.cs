using System.Runtime.CompilerServices;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>The parts of a packed segment at one of its pieces. Codes end a segment, so that after the last piece they point at the next segment.</summary>
internal unsafe struct SegmentCursor<TBlock, TCodes>
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
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
        int shared = PackedLayout<TBlock, TCodes>.PiecesPerScale;
        int scaleBytes = (pieces + shared - 1) / shared * PackedLayout<TBlock, TCodes>.ScaleStride;
        int subBytes = PackedLayout<TBlock, TCodes>.IsSuper ? pieces * PackedLayout<TBlock, TCodes>.SubStride : 0;
        Scales = segment;
        Minimums = Scales + scaleBytes;
        SubScales = Minimums + (PackedLayout<TBlock, TCodes>.HasMinimum ? scaleBytes : 0);
        SubMinimums = SubScales + subBytes;
        Codes = SubMinimums + (TBlock.Kind == BlockKind.SuperWithMinimum ? subBytes : 0);
    }

    /// <summary>Goes from the first piece on to another, outside of inner loops.</summary>
    public void Skip(int pieces)
    {
        for (int i = 0; i < pieces; i++)
        {
            Next(i);
        }
    }

    /// <summary>Goes to the next piece.</summary>
    /// <param name="piece">The number of the present one in its segment.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next(int piece)
    {
        Codes += TCodes.PieceBytes;
        if (PackedLayout<TBlock, TCodes>.IsSuper)
        {
            SubScales += PackedLayout<TBlock, TCodes>.SubStride;
            SubMinimums += PackedLayout<TBlock, TCodes>.SubStride;
        }

        int shared = PackedLayout<TBlock, TCodes>.PiecesPerScale;
        if (shared == 1 || (shared < PackedLayout<TBlock, TCodes>.PiecesPerSegment && (piece + 1) % shared == 0))
        {
            Scales += PackedLayout<TBlock, TCodes>.ScaleStride;
            Minimums += PackedLayout<TBlock, TCodes>.ScaleStride;
        }
    }
}
