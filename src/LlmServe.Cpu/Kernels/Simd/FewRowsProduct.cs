using System.Runtime.CompilerServices;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Matrix times one row in <c>int8</c> mode as tiles stream in from memory (or few rows, one after the other while a tile is in the first cache).
/// </summary>
internal static unsafe class FewRowsProduct<TSimd, V, TBlock, TCodes>
    where TSimd : struct, ISimd<V>
    where V : unmanaged
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    private const int TileRows = PackedLayout<TBlock, TCodes>.TileRows;
    private const int PiecesPerSegment = PackedLayout<TBlock, TCodes>.PiecesPerSegment;

    /// <summary>Vectors of rows in a tile: 1, 2 or 4.</summary>
    private static readonly int Vectors = TileRows / TSimd.Lanes;

    /// <summary>
    /// Whether the vectors of a tile take turns, a segment each, rather than going through its pieces together. What is inlined into one method may have 512
    /// locals, which are used up by two pieces of three-bit planes, or by four pieces of anything.
    /// </summary>
    private static readonly bool ByVector = Vectors == 4 || (Vectors == 2 && TCodes.PieceBytes == ThreeBit<TBlock>.PieceBytes);

    /// <summary>How far ahead of use memory is asked for.</summary>
    private const int PrefetchBytes = 2048;

    /// <summary>Whether activations come as 16-bit numbers.</summary>
    private static readonly bool WideCodes = TCodes.IsWide && !TSimd.SumsSignedBytes;

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
        if (ByVector)
        {
            TileByVectors(tile, columns, x, row, y);
            return;
        }

        byte* start = x->Row(row);
        byte* values = start + (WideCodes ? x->Layout.Signed16 : x->Layout.Signed8);
        byte* scales = start + x->Layout.Scales;
        byte* sums = start + x->Layout.Sums;
        int vector = TSimd.Lanes * 4;
        byte* ahead = tile + PrefetchBytes;
        var total0 = TSimd.Zero;
        var total1 = TSimd.Zero;
        for (int column = 0; column < columns; column += 32 * PiecesPerSegment)
        {
            int pieces = Math.Min(PiecesPerSegment, (columns - column) / 32);
            var at = new SegmentCursor<TBlock, TCodes>(tile, pieces);
            var acc0 = TSimd.Zero;
            var acc1 = TSimd.Zero;
            for (int piece = 0; piece < pieces; piece++)
            {
                ahead = PackedLayout<TBlock, TCodes>.PrefetchPiece(ahead);
                var d = TSimd.Broadcast(scales);
                var halfSums = TSimd.Broadcast(sums);
                acc0 = Piece(at, 0, values, d, halfSums, acc0);
                if (Vectors > 1)
                {
                    acc1 = Piece(at, vector, values, d, halfSums, acc1);
                }

                at.Next(piece);
                values += WideCodes ? 64 : 32;
                scales += 4;
                sums += 4;
            }

            total0 = column == 0 ? acc0 : TSimd.Add(total0, acc0);
            total1 = column == 0 ? acc1 : TSimd.Add(total1, acc1);
            tile = at.Codes;
        }

        TSimd.Store(y, total0);
        if (Vectors > 1)
        {
            TSimd.Store(y + TSimd.Lanes, total1);
        }
    }

    private static void TileByVectors(byte* tile, int columns, ActivationView* x, int row, float* y)
    {
        byte* start = x->Row(row);
        byte* values = start + (WideCodes ? x->Layout.Signed16 : x->Layout.Signed8);
        byte* scales = start + x->Layout.Scales;
        nint toSums = x->Layout.Sums - x->Layout.Scales;
        for (int column = 0; column < columns; column += 32 * PiecesPerSegment)
        {
            int pieces = Math.Min(PiecesPerSegment, (columns - column) / 32);
            bool add = column > 0;
            Segment<FirstQuarter>(tile, pieces, values, scales, toSums, add, y);
            Segment<ThirdQuarter>(tile, pieces, values, scales, toSums, add, y);
            if (Vectors == 4)
            {
                Segment<SecondQuarter>(tile, pieces, values, scales, toSums, add, y);
                Segment<LastQuarter>(tile, pieces, values, scales, toSums, add, y);
            }

            tile += PackedLayout<TBlock, TCodes>.SegmentBytes(pieces);
            values += (WideCodes ? 64 : 32) * pieces;
            scales += 4 * pieces;
        }
    }

    /// <summary>A segment of the rows of one vector, which starts at a quarter of a chunk.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Segment<TQuarter>(byte* segment, int pieces, byte* values, byte* scales, nint toSums, bool add, float* y)
        where TQuarter : struct, IChunkQuarter
    {
        byte* ahead = segment + PrefetchBytes;
        var at = new SegmentCursor<TBlock, TCodes>(segment, pieces);
        var acc = TSimd.Zero;
        for (int piece = 0; piece < pieces; piece++)
        {
            if (TQuarter.Offset == 0)
            {
                ahead = PackedLayout<TBlock, TCodes>.PrefetchPiece(ahead);
            }

            acc = Piece(at, TQuarter.Offset, values, TSimd.Broadcast(scales), TSimd.Broadcast(scales + toSums), acc);
            at.Next(piece);
            values += WideCodes ? 64 : 32;
            scales += 4;
        }

        y += TQuarter.Offset / 4;
        TSimd.Store(y, add ? TSimd.Add(TSimd.Load(y), acc) : acc);
    }

    /// <summary>One piece of the rows of one vector; <paramref name="part"/> is the vector's offset in a chunk of 64 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Piece(in SegmentCursor<TBlock, TCodes> at, int part, byte* x, V d, V halfSums, V acc)
    {
        if (PackedLayout<TBlock, TCodes>.IsPaired)
        {
            return PairedPiece(at, part, x, d, halfSums, acc);
        }

        var subScales = PackedLayout<TBlock, TCodes>.IsSuper ? PieceProduct<TSimd, V, TBlock, TCodes>.SubEntries(at.SubScales, part) : TSimd.Set(0x00010001);
        var n = PieceProduct<TSimd, V, TBlock, TCodes>.Dot(at.Codes + part, x, subScales);
        if (TCodes.Bias != 0)
        {
            int both = TCodes.Bias | (TCodes.Bias << 16);
            var bias = PackedLayout<TBlock, TCodes>.IsSuper ? PieceProduct<TSimd, V, TBlock, TCodes>.Times(subScales, both) : TSimd.Set(both);
            n = TSimd.Subtract32(n, TSimd.MultiplyAdd16(bias, halfSums));
        }

        acc = TSimd.MultiplyAdd(TSimd.Multiply(ScaleLoad<TSimd, V, TBlock>.Load(at.Scales + (part / 2)), d), TSimd.ToSingle(n), acc);
        if (PackedLayout<TBlock, TCodes>.HasMinimum)
        {
            var minimums = PackedLayout<TBlock, TCodes>.IsSuper ? PieceProduct<TSimd, V, TBlock, TCodes>.SubEntries(at.SubMinimums, part) : TSimd.Set(0x00010001);
            var m = TSimd.Multiply(ScaleLoad<TSimd, V, TBlock>.Load(at.Minimums + (part / 2)), d);
            acc = TSimd.MultiplyAdd(m, TSimd.ToSingle(TSimd.MultiplyAdd16(minimums, halfSums)), acc);
        }

        return acc;
    }

    /// <summary>The same where halves have scales of their own: a product for each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V PairedPiece(in SegmentCursor<TBlock, TCodes> at, int part, byte* x, V d, V halfSums, V acc)
    {
        PieceProduct<TSimd, V, TBlock, TCodes>.DotHalves(at.Codes + part, x, out var first, out var second);
        if (TCodes.Bias != 0)
        {
            first = TSimd.Subtract32(first, TSimd.MultiplyAdd16(TSimd.Set(TCodes.Bias), halfSums));
            second = TSimd.Subtract32(second, TSimd.MultiplyAdd16(TSimd.Set(TCodes.Bias << 16), halfSums));
        }

        byte* scales = at.Scales + (part / 2);
        acc = TSimd.MultiplyAdd(TSimd.Multiply(ScaleLoad<TSimd, V, TBlock>.Load(scales), d), TSimd.ToSingle(first), acc);
        return TSimd.MultiplyAdd(TSimd.Multiply(ScaleLoad<TSimd, V, TBlock>.Load(scales + (2 * TileRows)), d), TSimd.ToSingle(second), acc);
    }
}
