using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Matrix times one to a few rows in <c>int8</c> mode: a tile is streamed from memory once and multiplied with each row while it is in the first cache.
/// </summary>
internal static unsafe class FewRowsProduct<TSimd, V, TBlock, TCodes>
    where TSimd : struct, ISimd<V>
    where V : unmanaged
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    private const int TileRows = PackedLayout<TBlock, TCodes>.TileRows;
    private const int PiecesPerSegment = PackedLayout<TBlock, TCodes>.PiecesPerSegment;

    /// <summary>How far ahead of use memory is asked for.</summary>
    private const int PrefetchBytes = 2048;

    /// <inheritdoc cref="Reference.ReferenceMatMul"/>
    public static void Run(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
    {
        for (int r = begin; r < end; r += TileRows)
        {
            byte* tile = matrix->Packed + (r / TileRows * matrix->TileBytes);
            for (int row = 0; row < rows; row++)
            {
                Tile(tile, matrix->Columns, x, row, y + ((nint)row * stride) + (r - begin));
            }
        }
    }

    private static void Tile(byte* tile, int columns, ActivationView* x, int row, float* y)
    {
        byte* start = x->Row(row);
        byte* codes = start + (TCodes.Wide ? x->Layout.Signed16 : x->Layout.Signed8);
        byte* scales = start + x->Layout.Scales;
        byte* sums = start + x->Layout.Sums;
        var total0 = TSimd.Zero;
        var total1 = TSimd.Zero;
        for (int column = 0; column < columns; column += 32 * PiecesPerSegment)
        {
            int pieces = Math.Min(PiecesPerSegment, (columns - column) / 32);
            var acc0 = TSimd.Zero;
            var acc1 = TSimd.Zero;
            for (int piece = 0; piece < pieces; piece++)
            {
                Prefetch(tile + PackedLayout<TBlock, TCodes>.CodesOffset(pieces) + (piece * TCodes.PieceBytes));
                acc0 = Piece(tile, pieces, piece, 0, codes, scales, sums, acc0);
                if (TSimd.Lanes == 8)
                {
                    acc1 = Piece(tile, pieces, piece, 1, codes, scales, sums, acc1);
                }

                codes += TCodes.Wide ? 64 : 32;
                scales += 4;
                sums += 4;
            }

            total0 = column == 0 ? acc0 : TSimd.Add(total0, acc0);
            total1 = column == 0 ? acc1 : TSimd.Add(total1, acc1);
            tile += PackedLayout<TBlock, TCodes>.SegmentBytes(pieces);
        }

        TSimd.Store(y, total0);
        if (TSimd.Lanes == 8)
        {
            TSimd.Store(y + 8, total1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* codes)
    {
        for (int line = 0; line < TCodes.PieceBytes; line += 64)
        {
            Sse.Prefetch0(codes + PrefetchBytes + line);
        }
    }

    /// <summary>One piece of the rows of one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Piece(byte* segment, int pieces, int piece, int part, byte* x, byte* scale, byte* sums, V acc)
    {
        int row = part * TSimd.Lanes;
        int entry = (PackedLayout<TBlock, TCodes>.IsSuper ? 0 : piece * TileRows) + row;
        byte* codes = segment + PackedLayout<TBlock, TCodes>.CodesOffset(pieces) + (piece * TCodes.PieceBytes) + (row * 4);
        var d = TSimd.Broadcast(scale);
        var halfSums = TSimd.Broadcast(sums);
        var subScales = PackedLayout<TBlock, TCodes>.IsSuper
            ? SubEntries(segment + PackedLayout<TBlock, TCodes>.SubScaleOffset(pieces), piece, row)
            : TSimd.Set(0x00010001);
        var n = PieceProduct<TSimd, V, TBlock, TCodes>.Dot(codes, x, subScales);
        if (TCodes.Bias != 0)
        {
            int both = TCodes.Bias | (TCodes.Bias << 16);
            var bias = PackedLayout<TBlock, TCodes>.IsSuper ? Times(subScales, both) : TSimd.Set(both);
            n = TSimd.Subtract32(n, TSimd.MultiplyAdd16(bias, halfSums));
        }

        var w = TSimd.LoadHalves(segment + (entry * 2));
        acc = TSimd.MultiplyAdd(TSimd.Multiply(w, d), TSimd.ToSingle(n), acc);
        if (PackedLayout<TBlock, TCodes>.HasMinimum)
        {
            var m = TSimd.LoadHalves(segment + PackedLayout<TBlock, TCodes>.MinimumOffset(pieces) + (entry * 2));
            var minimums = PackedLayout<TBlock, TCodes>.IsSuper
                ? SubEntries(segment + PackedLayout<TBlock, TCodes>.SubMinimumOffset(pieces), piece, row)
                : TSimd.Set(0x00010001);
            acc = TSimd.MultiplyAdd(TSimd.Multiply(m, d), TSimd.ToSingle(TSimd.MultiplyAdd16(minimums, halfSums)), acc);
        }

        return acc;
    }

    /// <summary>Sub-block entries of a piece as pairs of 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SubEntries(byte* entries, int piece, int row) => TBlock.SubBlockSize == 16
        ? TSimd.LoadTwoBytes(entries + (piece * PackedLayout<TBlock, TCodes>.SubStride) + (2 * row))
        : TSimd.LoadBytePairs(entries + (piece * PackedLayout<TBlock, TCodes>.SubStride) + row);

    /// <summary>16-bit pairs times a power of two (biases are 4, 8, 16 or 32).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Times(V pairs, int both) => TSimd.ShiftLeft16(pairs, (byte)System.Numerics.BitOperations.TrailingZeroCount(both));
}
