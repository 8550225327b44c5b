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
    private static bool TwoSums => TBlock.SubBlockSize == 16 || (!TCodes.Wide && TCodes.GroupsPerSum < 8 && TCodes.Bias != 16);

    private static int VectorBytes => TSimd.Lanes * 4;

    private static int Row => Group * VectorBytes;

    // A piece in the panel: codes, corrections, scales, minimums, sub-block scales, sub-block minimums.
    private static int CodeBytes => (TCodes.Wide ? 16 : 8) * Row;

    private static int CorrectionOffset => CodeBytes;

    private static int ScaleOffset => CorrectionOffset + (TCodes.Wide ? 0 : (TwoSums ? 2 : 1) * Row);

    private static int MinimumOffset => ScaleOffset + Row;

    private static int SubScaleOffset => MinimumOffset + (PackedLayout<TBlock, TCodes>.HasMinimum ? Row : 0);

    private static int SubMinimumOffset => SubScaleOffset + (PackedLayout<TBlock, TCodes>.IsSuper ? (TwoSums ? 2 : 1) * Row : 0);

    private static int PieceBytes => SubMinimumOffset + (TBlock.Kind == BlockKind.SuperWithMinimum ? Row : 0);

    /// <summary>Scratch of a panel.</summary>
    public static int ScratchBytes => PiecesPerSegment * PieceBytes;

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
                Half(panel, codes, 0, out n0, out n1, out n2, out n3, out n4, out n5);
                Half(panel, codes, 1, out var m0, out var m1, out var m2, out var m3, out var m4, out var m5);
                n0 = TSimd.Add32(n0, m0);
                n1 = TSimd.Add32(n1, m1);
                n2 = TSimd.Add32(n2, m2);
                n3 = TSimd.Add32(n3, m3);
                n4 = TSimd.Add32(n4, m4);
                n5 = TSimd.Add32(n5, m5);
            }
            else
            {
                Whole(panel, codes, out n0, out n1, out n2, out n3, out n4, out n5);
            }

            var d = TSimd.Broadcast(scales);
            a0 = Accumulate(panel, 0, n0, d, sums, a0);
            a1 = Accumulate(panel, 1, n1, d, sums, a1);
            a2 = Accumulate(panel, 2, n2, d, sums, a2);
            a3 = Accumulate(panel, 3, n3, d, sums, a3);
            a4 = Accumulate(panel, 4, n4, d, sums, a4);
            a5 = Accumulate(panel, 5, n5, d, sums, a5);
            panel += PieceBytes;
            codes += TCodes.Wide ? 64 : 32;
            scales += 4;
            sums += 4;
        }

        bool add = column > 0;
        Finish(y, 0, count, add, a0);
        Finish(y, 1, count, add, a1);
        Finish(y, 2, count, add, a2);
        Finish(y, 3, count, add, a3);
        Finish(y, 4, count, add, a4);
        Finish(y, 5, count, add, a5);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Accumulate(byte* panel, int group, V n, V d, byte* sums, V acc)
    {
        byte* own = panel + (group * VectorBytes);
        acc = TSimd.MultiplyAdd(TSimd.Multiply(d, TSimd.Load(own + ScaleOffset)), TSimd.ToSingle(n), acc);
        if (PackedLayout<TBlock, TCodes>.HasMinimum)
        {
            var halfSums = TSimd.Broadcast(sums);
            var minimums = TBlock.Kind == BlockKind.SuperWithMinimum ? TSimd.Load(own + SubMinimumOffset) : TSimd.Set(0x00010001);
            acc = TSimd.MultiplyAdd(TSimd.Multiply(d, TSimd.Load(own + MinimumOffset)), TSimd.ToSingle(TSimd.MultiplyAdd16(halfSums, minimums)), acc);
        }

        return acc;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(float* y, int group, int count, bool add, V value)
    {
        if (group < count)
        {
            float* target = y + (group * TSimd.Lanes);
            TSimd.Store(target, add ? TSimd.Add(TSimd.Load(target), value) : value);
        }
    }

    /// <summary>All eight groups of narrow codes in one 16-bit sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Whole(byte* panel, byte* x, out V n0, out V n1, out V n2, out V n3, out V n4, out V n5)
    {
        Start(panel + CorrectionOffset, out n0, out n1, out n2, out n3, out n4, out n5);
        Step(panel, x, 0, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        Step(panel, x, 1, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        Step(panel, x, 2, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        Step(panel, x, 3, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        Step(panel, x, 4, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        Step(panel, x, 5, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        Step(panel, x, 6, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        Step(panel, x, 7, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        Widen(panel + SubScaleOffset, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
    }

    /// <summary>Four groups of narrow codes: one half of the piece.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Half(byte* panel, byte* x, int half, out V n0, out V n1, out V n2, out V n3, out V n4, out V n5)
    {
        Start(panel + CorrectionOffset + (half * Row), out n0, out n1, out n2, out n3, out n4, out n5);
        Step(panel, x, 4 * half, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        Step(panel, x, (4 * half) + 1, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        Step(panel, x, (4 * half) + 2, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        Step(panel, x, (4 * half) + 3, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        Widen(panel + SubScaleOffset + (half * Row), ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Start(byte* corrections, out V n0, out V n1, out V n2, out V n3, out V n4, out V n5)
    {
        n0 = TSimd.Load(corrections);
        n1 = TSimd.Load(corrections + VectorBytes);
        n2 = TSimd.Load(corrections + (2 * VectorBytes));
        n3 = TSimd.Load(corrections + (3 * VectorBytes));
        n4 = TSimd.Load(corrections + (4 * VectorBytes));
        n5 = TSimd.Load(corrections + (5 * VectorBytes));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(byte* panel, byte* x, int group, ref V n0, ref V n1, ref V n2, ref V n3, ref V n4, ref V n5)
    {
        var value = TSimd.Broadcast(x + (4 * group));
        byte* codes = panel + (group * Row);
        n0 = TSimd.Add16(n0, TSimd.MultiplyAddBytes(value, TSimd.Load(codes)));
        n1 = TSimd.Add16(n1, TSimd.MultiplyAddBytes(value, TSimd.Load(codes + VectorBytes)));
        n2 = TSimd.Add16(n2, TSimd.MultiplyAddBytes(value, TSimd.Load(codes + (2 * VectorBytes))));
        n3 = TSimd.Add16(n3, TSimd.MultiplyAddBytes(value, TSimd.Load(codes + (3 * VectorBytes))));
        n4 = TSimd.Add16(n4, TSimd.MultiplyAddBytes(value, TSimd.Load(codes + (4 * VectorBytes))));
        n5 = TSimd.Add16(n5, TSimd.MultiplyAddBytes(value, TSimd.Load(codes + (5 * VectorBytes))));
    }

    /// <summary>16-bit sums to 32 bits, with the sub-block scale where the format has one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Widen(byte* scales, ref V n0, ref V n1, ref V n2, ref V n3, ref V n4, ref V n5)
    {
        n0 = TSimd.MultiplyAdd16(n0, Factor(scales, 0));
        n1 = TSimd.MultiplyAdd16(n1, Factor(scales, 1));
        n2 = TSimd.MultiplyAdd16(n2, Factor(scales, 2));
        n3 = TSimd.MultiplyAdd16(n3, Factor(scales, 3));
        n4 = TSimd.MultiplyAdd16(n4, Factor(scales, 4));
        n5 = TSimd.MultiplyAdd16(n5, Factor(scales, 5));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Factor(byte* scales, int group) =>
        PackedLayout<TBlock, TCodes>.IsSuper ? TSimd.Load(scales + (group * VectorBytes)) : TSimd.Set(0x00010001);

    /// <summary>Wide codes: sixteen steps of two 16-bit products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Wide(byte* panel, byte* x, out V n0, out V n1, out V n2, out V n3, out V n4, out V n5)
    {
        n0 = n1 = n2 = n3 = n4 = n5 = TSimd.Zero;
        for (int step = 0; step < 16; step += 4)
        {
            WideStep(panel, x, step, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
            WideStep(panel, x, step + 1, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
            WideStep(panel, x, step + 2, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
            WideStep(panel, x, step + 3, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
        }

        if (PackedLayout<TBlock, TCodes>.IsSuper)
        {
            byte* scales = panel + SubScaleOffset;
            n0 = TSimd.Multiply32(n0, TSimd.Load(scales));
            n1 = TSimd.Multiply32(n1, TSimd.Load(scales + VectorBytes));
            n2 = TSimd.Multiply32(n2, TSimd.Load(scales + (2 * VectorBytes)));
            n3 = TSimd.Multiply32(n3, TSimd.Load(scales + (3 * VectorBytes)));
            n4 = TSimd.Multiply32(n4, TSimd.Load(scales + (4 * VectorBytes)));
            n5 = TSimd.Multiply32(n5, TSimd.Load(scales + (5 * VectorBytes)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WideStep(byte* panel, byte* x, int step, ref V n0, ref V n1, ref V n2, ref V n3, ref V n4, ref V n5)
    {
        var value = TSimd.Broadcast(x + (4 * step));
        byte* codes = panel + (step * Row);
        n0 = TSimd.Add32(n0, TSimd.MultiplyAdd16(value, TSimd.Load(codes)));
        n1 = TSimd.Add32(n1, TSimd.MultiplyAdd16(value, TSimd.Load(codes + VectorBytes)));
        n2 = TSimd.Add32(n2, TSimd.MultiplyAdd16(value, TSimd.Load(codes + (2 * VectorBytes))));
        n3 = TSimd.Add32(n3, TSimd.MultiplyAdd16(value, TSimd.Load(codes + (3 * VectorBytes))));
        n4 = TSimd.Add32(n4, TSimd.MultiplyAdd16(value, TSimd.Load(codes + (4 * VectorBytes))));
        n5 = TSimd.Add32(n5, TSimd.MultiplyAdd16(value, TSimd.Load(codes + (5 * VectorBytes))));
    }
}
