using System.Runtime.CompilerServices;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Scales and minimums of the sub-blocks of a piece as f32, for <c>f32</c> mode. Products with sub-block entries are exact.</summary>
internal static unsafe class RealScales<TSimd, V, TBlock, TCodes>
    where TSimd : struct, ISimd<V>
    where V : unmanaged
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    /// <summary>
    /// The f32 numbers of a piece's first half and, where sub-blocks are 16 long, of its second one, for the rows of a vector from <paramref name="row"/> of
    /// the tile on. <paramref name="scales"/> and <paramref name="entries"/> point at the piece's scales (or minimums) and its sub-block entries.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* scales, byte* entries, int row, out V first, out V second)
    {
        var factor = ScaleLoad<TSimd, V, TBlock>.Load(scales + (row * 2));
        if (PackedLayout<TBlock, TCodes>.IsPaired)
        {
            first = factor;
            second = ScaleLoad<TSimd, V, TBlock>.Load(scales + ((PackedLayout<TBlock, TCodes>.TileRows + row) * 2));
            return;
        }

        if (!PackedLayout<TBlock, TCodes>.IsSuper)
        {
            first = second = factor;
            return;
        }

        var pairs = TBlock.SubBlockSize == 16 ? TSimd.LoadTwoBytes(entries + (2 * row)) : TSimd.LoadBytePairs(entries + row);
        second = TSimd.Multiply(factor, TSimd.ToSingle(TSimd.ShiftRightArithmetic32(pairs, 16)));
        first = TBlock.SubBlockSize == 16
            ? TSimd.Multiply(factor, TSimd.ToSingle(TSimd.ShiftRightArithmetic32(TSimd.ShiftLeft32(pairs, 16), 16)))
            : second;
    }
}
