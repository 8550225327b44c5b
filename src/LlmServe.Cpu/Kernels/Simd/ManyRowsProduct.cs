using System.Runtime.CompilerServices;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Matrix times many rows in <c>int8</c> mode. A panel of six vectors of matrix rows is unpacked, a segment at a time, into the first cache in the form
/// that the inner loop multiplies straight from memory; then all rows pass over it. Narrow codes: signed bytes times unsigned activations (x + 128), summed in
/// 16 bits that start at the correction −128·Σw; sums may wrap on the way, the final ones fit. Wide codes: 16-bit products.
/// </summary>
internal static unsafe class ManyRowsProduct<TSimd, V, TBlock, TCodes>
    where TSimd : struct, ISimd<V>
    where V : unmanaged
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    /// <summary>Vectors of matrix rows in a panel.</summary>
    public const int Group = 6;

    private const int PiecesPerSegment = PackedLayout<TBlock, TCodes>.PiecesPerSegment;
    private const int TileRows = PackedLayout<TBlock, TCodes>.TileRows;

    /// <summary>Sums per piece: two where halves have their own scale, or where all of a piece would overflow 16 bits.</summary>
    private static readonly bool TwoSums = TBlock.SubBlockSize == 16 || (!TCodes.Wide && TCodes.GroupsPerSum < 8 && TCodes.Bias != 16);

    private static readonly int VectorBytes = TSimd.Lanes * 4;

    private static readonly int Row = Group * VectorBytes;

    // A piece in the panel: codes, corrections, scales, minimums, sub-block scales, sub-block minimums.
    private static readonly int CodeBytes = (TCodes.Wide ? 16 : 8) * Row;

    private static readonly int CorrectionOffset = CodeBytes;

    private static readonly int ScaleOffset = CorrectionOffset + (TCodes.Wide ? 0 : (TwoSums ? 2 : 1) * Row);

    private static readonly int MinimumOffset = ScaleOffset + Row;

    private static readonly int SubScaleOffset = MinimumOffset + (PackedLayout<TBlock, TCodes>.HasMinimum ? Row : 0);

    private static readonly int SubMinimumOffset = SubScaleOffset + (PackedLayout<TBlock, TCodes>.IsSuper ? (TwoSums ? 2 : 1) * Row : 0);

    private static readonly int PieceBytes = SubMinimumOffset + (TBlock.Kind == BlockKind.SuperWithMinimum ? Row : 0);

    /// <summary>Scratch of a panel.</summary>
    public static readonly int ScratchBytes = PiecesPerSegment * PieceBytes;

    /// <inheritdoc cref="Reference.ReferenceMatMul"/>
    public static void Run(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
    {
        int vectors = (end - begin + TSimd.Lanes - 1) / TSimd.Lanes;
        for (int first = 0; first < vectors; first += Group)
        {
            int count = Math.Min(Group, vectors - first);
            float* target = y + (first * TSimd.Lanes);
            long segmentOffset = 0;
            for (int column = 0; column < matrix->Columns; column += 32 * PiecesPerSegment)
            {
                int pieces = Math.Min(PiecesPerSegment, (matrix->Columns - column) / 32);
                UnpackPanel(matrix, begin + (first * TSimd.Lanes), count, segmentOffset, pieces, scratch);
                for (int row = 0; row < rows; row++)
                {
                    Segment(scratch, pieces, x, row, column, count, target + ((nint)row * stride));
                }

                segmentOffset += PackedLayout<TBlock, TCodes>.SegmentBytes(pieces);
            }
        }
    }

    private static void UnpackPanel(Matrix* matrix, int firstRow, int count, long segmentOffset, int pieces, byte* panel)
    {
        for (int group = 0; group < count; group++)
        {
            int row = firstRow + (group * TSimd.Lanes);
            byte* segment = matrix->Packed + (row / TileRows * matrix->TileBytes) + segmentOffset;
            for (int piece = 0; piece < pieces; piece++)
            {
                UnpackPiece(segment, pieces, piece, row % TileRows, panel + (piece * PieceBytes) + (group * VectorBytes));
            }
        }
    }

    private static void UnpackPiece(byte* segment, int pieces, int piece, int row, byte* target)
    {
        byte* codes = segment + PackedLayout<TBlock, TCodes>.CodesOffset(pieces) + (piece * TCodes.PieceBytes) + (row * 4);
        var first = UnpackPair(codes, 0, target);
        first = TSimd.Add16(first, UnpackPair(codes, 1, target));
        var second = UnpackPair(codes, 2, target);
        second = TSimd.Add16(second, UnpackPair(codes, 3, target));
        if (!TCodes.Wide)
        {
            TSimd.Store(target + CorrectionOffset, TSimd.Subtract16(TSimd.Zero, TwoSums ? first : TSimd.Add16(first, second)));
            if (TwoSums)
            {
                TSimd.Store(target + CorrectionOffset + Row, TSimd.Subtract16(TSimd.Zero, second));
            }
        }

        int entry = (PackedLayout<TBlock, TCodes>.IsSuper ? 0 : piece * TileRows) + row;
        TSimd.Store(target + ScaleOffset, TSimd.LoadHalves(segment + (entry * 2)));
        if (PackedLayout<TBlock, TCodes>.HasMinimum)
        {
            TSimd.Store(target + MinimumOffset, TSimd.LoadHalves(segment + PackedLayout<TBlock, TCodes>.MinimumOffset(pieces) + (entry * 2)));
        }

        if (PackedLayout<TBlock, TCodes>.IsSuper)
        {
            var scales = SubEntries(segment + PackedLayout<TBlock, TCodes>.SubScaleOffset(pieces), piece, row);
            TSimd.Store(target + SubScaleOffset, TCodes.Wide ? TSimd.ShiftRightArithmetic32(scales, 16) : TSimd.LowTwice(scales));
            if (TwoSums)
            {
                TSimd.Store(target + SubScaleOffset + Row, TSimd.HighTwice(scales));
            }
        }

        if (TBlock.Kind == BlockKind.SuperWithMinimum)
        {
            TSimd.Store(target + SubMinimumOffset, SubEntries(segment + PackedLayout<TBlock, TCodes>.SubMinimumOffset(pieces), piece, row));
        }
    }

    /// <summary>Stores two groups of codes; returns 128 times the 16-bit sums of narrow ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V UnpackPair(byte* codes, int pair, byte* target)
    {
        TCodes.LoadPair<TSimd, V>(codes, pair, out var even, out var odd);
        if (TCodes.Wide)
        {
            TSimd.Store(target + (4 * pair * Row), TSimd.ShiftRightArithmetic16(TSimd.ShiftLeft16(even, 8), 8));
            TSimd.Store(target + (((4 * pair) + 1) * Row), TSimd.ShiftRightArithmetic16(even, 8));
            TSimd.Store(target + (((4 * pair) + 2) * Row), TSimd.ShiftRightArithmetic16(TSimd.ShiftLeft16(odd, 8), 8));
            TSimd.Store(target + (((4 * pair) + 3) * Row), TSimd.ShiftRightArithmetic16(odd, 8));
            return TSimd.Zero;
        }

        if (TCodes.Bias != 0)
        {
            var bias = TSimd.Set(TCodes.Bias * 0x01010101);
            even = TSimd.Subtract8(even, bias);
            odd = TSimd.Subtract8(odd, bias);
        }

        TSimd.Store(target + (2 * pair * Row), even);
        TSimd.Store(target + (((2 * pair) + 1) * Row), odd);
        var offset = TSimd.Set(unchecked((int)0x80808080));
        return TSimd.Add16(TSimd.MultiplyAddBytes(offset, even), TSimd.MultiplyAddBytes(offset, odd));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SubEntries(byte* entries, int piece, int row) => TBlock.SubBlockSize == 16
        ? TSimd.LoadTwoBytes(entries + (piece * PackedLayout<TBlock, TCodes>.SubStride) + (2 * row))
        : TSimd.LoadBytePairs(entries + (piece * PackedLayout<TBlock, TCodes>.SubStride) + row);

    /// <summary>One row of activations against a segment of the panel: six accumulators in registers.</summary>
    private static void Segment(byte* panel, int pieces, ActivationView* x, int row, int column, int count, float* y)
    {
        byte* start = x->Row(row);
        byte* codes = start + (TCodes.Wide ? x->Layout.Signed16 + (2 * column) : x->Layout.Unsigned8 + column);
        byte* scales = start + x->Layout.Scales + (column / 32 * 4);
        byte* sums = start + x->Layout.Sums + (column / 32 * 4);
        int vector = VectorBytes, row6 = Row, pieceBytes = PieceBytes, scaleOffset = ScaleOffset;
        V a0 = TSimd.Zero, a1 = TSimd.Zero, a2 = TSimd.Zero, a3 = TSimd.Zero, a4 = TSimd.Zero, a5 = TSimd.Zero;
        for (int piece = 0; piece < pieces; piece++)
        {
            V n0, n1, n2, n3, n4, n5;
            if (TCodes.Wide)
            {
                Wide(panel, codes, out n0, out n1, out n2, out n3, out n4, out n5);
            }
            else if (TwoSums)
            {
                Narrow(panel, panel + CorrectionOffset, panel + SubScaleOffset, codes, 4, out n0, out n1, out n2, out n3, out n4, out n5);
                Narrow(panel + (4 * row6), panel + CorrectionOffset + row6, panel + SubScaleOffset + row6, codes + 16, 4,
                    out var m0, out var m1, out var m2, out var m3, out var m4, out var m5);
                n0 = TSimd.Add32(n0, m0);
                n1 = TSimd.Add32(n1, m1);
                n2 = TSimd.Add32(n2, m2);
                n3 = TSimd.Add32(n3, m3);
                n4 = TSimd.Add32(n4, m4);
                n5 = TSimd.Add32(n5, m5);
            }
            else
            {
                Narrow(panel, panel + CorrectionOffset, panel + SubScaleOffset, codes, 8, out n0, out n1, out n2, out n3, out n4, out n5);
            }

            var d = TSimd.Broadcast(scales);
            byte* w = panel + scaleOffset;
            a0 = TSimd.AddScaled(a0, n0, d, w);
            a1 = TSimd.AddScaled(a1, n1, d, w + vector);
            a2 = TSimd.AddScaled(a2, n2, d, w + (2 * vector));
            a3 = TSimd.AddScaled(a3, n3, d, w + (3 * vector));
            a4 = TSimd.AddScaled(a4, n4, d, w + (4 * vector));
            a5 = TSimd.AddScaled(a5, n5, d, w + (5 * vector));
            if (PackedLayout<TBlock, TCodes>.HasMinimum)
            {
                AddMinimums(panel, d, TSimd.Broadcast(sums), ref a0, ref a1, ref a2, ref a3, ref a4, ref a5);
            }

            panel += pieceBytes;
            codes += TCodes.Wide ? 64 : 32;
            scales += 4;
            sums += 4;
        }

        Finish(y, count, column > 0, a0, a1, a2, a3, a4, a5);
    }

    /// <summary>Adds minimums times the sums of activations: one number for all rows of the matrix, or with sub-block minimums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddMinimums(byte* panel, V d, V halfSums, ref V a0, ref V a1, ref V a2, ref V a3, ref V a4, ref V a5)
    {
        int vector = VectorBytes;
        byte* m = panel + MinimumOffset;
        if (TBlock.Kind == BlockKind.WithMinimum)
        {
            var n = TSimd.MultiplyAdd16(halfSums, TSimd.Set(0x00010001));
            a0 = TSimd.AddScaled(a0, n, d, m);
            a1 = TSimd.AddScaled(a1, n, d, m + vector);
            a2 = TSimd.AddScaled(a2, n, d, m + (2 * vector));
            a3 = TSimd.AddScaled(a3, n, d, m + (3 * vector));
            a4 = TSimd.AddScaled(a4, n, d, m + (4 * vector));
            a5 = TSimd.AddScaled(a5, n, d, m + (5 * vector));
            return;
        }

        byte* sub = panel + SubMinimumOffset;
        var zero = TSimd.Zero;
        a0 = TSimd.AddScaled(a0, TSimd.AddProducts16(zero, halfSums, sub), d, m);
        a1 = TSimd.AddScaled(a1, TSimd.AddProducts16(zero, halfSums, sub + vector), d, m + vector);
        a2 = TSimd.AddScaled(a2, TSimd.AddProducts16(zero, halfSums, sub + (2 * vector)), d, m + (2 * vector));
        a3 = TSimd.AddScaled(a3, TSimd.AddProducts16(zero, halfSums, sub + (3 * vector)), d, m + (3 * vector));
        a4 = TSimd.AddScaled(a4, TSimd.AddProducts16(zero, halfSums, sub + (4 * vector)), d, m + (4 * vector));
        a5 = TSimd.AddScaled(a5, TSimd.AddProducts16(zero, halfSums, sub + (5 * vector)), d, m + (5 * vector));
    }

    private static void Finish(float* y, int count, bool add, V a0, V a1, V a2, V a3, V a4, V a5)
    {
        V* values = stackalloc V[Group];
        values[0] = a0;
        values[1] = a1;
        values[2] = a2;
        values[3] = a3;
        values[4] = a4;
        values[5] = a5;
        for (int group = 0; group < count; group++)
        {
            float* target = y + (group * TSimd.Lanes);
            TSimd.Store(target, add ? TSimd.Add(TSimd.Load(target), values[group]) : values[group]);
        }
    }

    /// <summary>Narrow codes: <paramref name="groups"/> fours in one 16-bit sum, widened with the sub-block scale where the format has one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Narrow(
        byte* weights, byte* corrections, byte* subScales, byte* x, int groups, out V n0, out V n1, out V n2, out V n3, out V n4, out V n5)
    {
        int vector = VectorBytes, row6 = Row;
        n0 = TSimd.Load(corrections);
        n1 = TSimd.Load(corrections + vector);
        n2 = TSimd.Load(corrections + (2 * vector));
        n3 = TSimd.Load(corrections + (3 * vector));
        n4 = TSimd.Load(corrections + (4 * vector));
        n5 = TSimd.Load(corrections + (5 * vector));
        for (int group = 0; group < groups; group += 2)
        {
            var value = TSimd.Broadcast(x);
            n0 = TSimd.AddByteProducts(n0, value, weights);
            n1 = TSimd.AddByteProducts(n1, value, weights + vector);
            n2 = TSimd.AddByteProducts(n2, value, weights + (2 * vector));
            n3 = TSimd.AddByteProducts(n3, value, weights + (3 * vector));
            n4 = TSimd.AddByteProducts(n4, value, weights + (4 * vector));
            n5 = TSimd.AddByteProducts(n5, value, weights + (5 * vector));
            value = TSimd.Broadcast(x + 4);
            n0 = TSimd.AddByteProducts(n0, value, weights + row6);
            n1 = TSimd.AddByteProducts(n1, value, weights + row6 + vector);
            n2 = TSimd.AddByteProducts(n2, value, weights + row6 + (2 * vector));
            n3 = TSimd.AddByteProducts(n3, value, weights + row6 + (3 * vector));
            n4 = TSimd.AddByteProducts(n4, value, weights + row6 + (4 * vector));
            n5 = TSimd.AddByteProducts(n5, value, weights + row6 + (5 * vector));
            weights += 2 * row6;
            x += 8;
        }

        if (PackedLayout<TBlock, TCodes>.IsSuper)
        {
            n0 = TSimd.MultiplyAdd16(n0, TSimd.Load(subScales));
            n1 = TSimd.MultiplyAdd16(n1, TSimd.Load(subScales + vector));
            n2 = TSimd.MultiplyAdd16(n2, TSimd.Load(subScales + (2 * vector)));
            n3 = TSimd.MultiplyAdd16(n3, TSimd.Load(subScales + (3 * vector)));
            n4 = TSimd.MultiplyAdd16(n4, TSimd.Load(subScales + (4 * vector)));
            n5 = TSimd.MultiplyAdd16(n5, TSimd.Load(subScales + (5 * vector)));
        }
        else
        {
            var ones = TSimd.Set(0x00010001);
            n0 = TSimd.MultiplyAdd16(n0, ones);
            n1 = TSimd.MultiplyAdd16(n1, ones);
            n2 = TSimd.MultiplyAdd16(n2, ones);
            n3 = TSimd.MultiplyAdd16(n3, ones);
            n4 = TSimd.MultiplyAdd16(n4, ones);
            n5 = TSimd.MultiplyAdd16(n5, ones);
        }
    }

    /// <summary>Wide codes: sixteen steps of two 16-bit products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Wide(byte* panel, byte* x, out V n0, out V n1, out V n2, out V n3, out V n4, out V n5)
    {
        int vector = VectorBytes, row6 = Row;
        byte* scales = panel + SubScaleOffset;
        n0 = n1 = n2 = n3 = n4 = n5 = TSimd.Zero;
        for (int step = 0; step < 16; step += 2)
        {
            var value = TSimd.Broadcast(x);
            n0 = TSimd.AddProducts16(n0, value, panel);
            n1 = TSimd.AddProducts16(n1, value, panel + vector);
            n2 = TSimd.AddProducts16(n2, value, panel + (2 * vector));
            n3 = TSimd.AddProducts16(n3, value, panel + (3 * vector));
            n4 = TSimd.AddProducts16(n4, value, panel + (4 * vector));
            n5 = TSimd.AddProducts16(n5, value, panel + (5 * vector));
            value = TSimd.Broadcast(x + 4);
            n0 = TSimd.AddProducts16(n0, value, panel + row6);
            n1 = TSimd.AddProducts16(n1, value, panel + row6 + vector);
            n2 = TSimd.AddProducts16(n2, value, panel + row6 + (2 * vector));
            n3 = TSimd.AddProducts16(n3, value, panel + row6 + (3 * vector));
            n4 = TSimd.AddProducts16(n4, value, panel + row6 + (4 * vector));
            n5 = TSimd.AddProducts16(n5, value, panel + row6 + (5 * vector));
            panel += 2 * row6;
            x += 8;
        }

        if (PackedLayout<TBlock, TCodes>.IsSuper)
        {
            n0 = TSimd.Multiply32(n0, TSimd.Load(scales));
            n1 = TSimd.Multiply32(n1, TSimd.Load(scales + vector));
            n2 = TSimd.Multiply32(n2, TSimd.Load(scales + (2 * vector)));
            n3 = TSimd.Multiply32(n3, TSimd.Load(scales + (3 * vector)));
            n4 = TSimd.Multiply32(n4, TSimd.Load(scales + (4 * vector)));
            n5 = TSimd.Multiply32(n5, TSimd.Load(scales + (5 * vector)));
        }
    }
}
