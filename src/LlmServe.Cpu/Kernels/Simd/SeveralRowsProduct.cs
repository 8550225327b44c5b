using System.Runtime.CompilerServices;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Matrix times several rows in <c>int8</c> mode, straight over the packed tiles: codes are taken apart in registers once for four rows of activations,
/// which is cheaper than <see cref="ManyRowsProduct{TSimd, V, TBlock, TCodes}"/>'s panels while there are few rows to share those.
/// </summary>
internal static unsafe class SeveralRowsProduct<TSimd, V, TBlock, TCodes>
    where TSimd : struct, ISimd<V>
    where V : unmanaged
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    private const int TileRows = PackedLayout<TBlock, TCodes>.TileRows;
    private const int PiecesPerSegment = PackedLayout<TBlock, TCodes>.PiecesPerSegment;
    private const int RowsAtOnce = 4;

    /// <summary>How far ahead of use memory is asked for.</summary>
    private const int PrefetchBytes = 2048;

    private static readonly int VectorBytes = TSimd.Lanes * 4;

    private static readonly bool HalfScales = TBlock.SubBlockSize == 16;

    private static readonly bool SumsSignedBytes = TSimd.SumsSignedBytes;

    /// <summary>Whether activations come as 16-bit numbers.</summary>
    private static readonly bool WideCodes = TCodes.IsWide && !SumsSignedBytes;

    /// <summary>Sums of byte products per piece: as many as their 16 bits and sub-block scales ask for.</summary>
    private static readonly int Sums = Math.Max(HalfScales ? 2 : 1, SumsSignedBytes || WideCodes ? 1 : 8 / PieceProduct<TSimd, V, TBlock, TCodes>.GroupsPerSum);

    /// <inheritdoc cref="Reference.ReferenceMatMul"/>
    public static void Run(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
    {
        for (int r = begin; r < end; r += TileRows)
        {
            byte* tile = matrix->Packed + (r / TileRows * matrix->TileBytes);
            for (int row = 0; row < rows; row += RowsAtOnce)
            {
                for (int part = 0; part < Planes.Chunk; part += VectorBytes)
                {
                    FourRows(tile, part, matrix->Columns, x, row, rows, y + (r - begin) + (part / 4), stride);
                }
            }
        }
    }

    /// <summary>
    /// The rows of one vector times four rows of activations, of which those after the last repeat it and are not stored.
    /// <paramref name="part"/> is the vector's offset in a chunk of 64 bytes.
    /// </summary>
    private static void FourRows(byte* tile, int part, int columns, ActivationView* x, int row, int rows, float* y, int stride)
    {
        int last = rows - 1;
        byte* codes = x->Row(row);
        nint to1 = (nint)(x->Row(Math.Min(row + 1, last)) - codes);
        nint to2 = (nint)(x->Row(Math.Min(row + 2, last)) - codes);
        nint to3 = (nint)(x->Row(Math.Min(row + 3, last)) - codes);
        byte* scales = codes + x->Layout.Scales;
        nint toSums = x->Layout.Sums - x->Layout.Scales;
        codes += WideCodes ? x->Layout.Signed16 : x->Layout.Signed8;
        byte* ahead = tile + PrefetchBytes;
        V total0 = TSimd.Zero, total1 = TSimd.Zero, total2 = TSimd.Zero, total3 = TSimd.Zero;
        for (int column = 0; column < columns; column += 32 * PiecesPerSegment)
        {
            int pieces = Math.Min(PiecesPerSegment, (columns - column) / 32);
            var at = new SegmentCursor<TBlock, TCodes>(tile, pieces);
            V a0 = TSimd.Zero, a1 = TSimd.Zero, a2 = TSimd.Zero, a3 = TSimd.Zero;
            for (int piece = 0; piece < pieces; piece++)
            {
                ahead = PackedLayout<TBlock, TCodes>.PrefetchPiece(ahead);
                if (PackedLayout<TBlock, TCodes>.IsPaired)
                {
                    PairedPiece(at, part, codes, scales, toSums, to1, to2, to3, ref a0, ref a1, ref a2, ref a3);
                    at.Next(piece);
                    codes += 32;
                    scales += 4;
                    continue;
                }

                var pairs = PackedLayout<TBlock, TCodes>.IsSuper ? PieceProduct<TSimd, V, TBlock, TCodes>.SubEntries(at.SubScales, part) : TSimd.Set(0x00010001);
                V n0, n1, n2, n3;
                if (WideCodes)
                {
                    Wide(at.Codes + part, codes, to1, to2, to3, pairs, out n0, out n1, out n2, out n3);
                }
                else
                {
                    Narrow(at.Codes + part, codes, to1, to2, to3, pairs, out n0, out n1, out n2, out n3);
                }

                if (TCodes.Bias != 0)
                {
                    int both = TCodes.Bias | (TCodes.Bias << 16);
                    var bias = PackedLayout<TBlock, TCodes>.IsSuper ? PieceProduct<TSimd, V, TBlock, TCodes>.Times(pairs, both) : TSimd.Set(both);
                    byte* sums = scales + toSums;
                    n0 = TSimd.SubtractProducts16(n0, bias, sums);
                    n1 = TSimd.SubtractProducts16(n1, bias, sums + to1);
                    n2 = TSimd.SubtractProducts16(n2, bias, sums + to2);
                    n3 = TSimd.SubtractProducts16(n3, bias, sums + to3);
                }

                var w = ScaleLoad<TSimd, V, TBlock>.Load(at.Scales + (part / 2));
                a0 = TSimd.AddScaledBy(a0, n0, w, scales);
                a1 = TSimd.AddScaledBy(a1, n1, w, scales + to1);
                a2 = TSimd.AddScaledBy(a2, n2, w, scales + to2);
                a3 = TSimd.AddScaledBy(a3, n3, w, scales + to3);
                if (PackedLayout<TBlock, TCodes>.HasMinimum)
                {
                    var minimums = PackedLayout<TBlock, TCodes>.IsSuper ? PieceProduct<TSimd, V, TBlock, TCodes>.SubEntries(at.SubMinimums, part) : TSimd.Set(0x00010001);
                    var m = ScaleLoad<TSimd, V, TBlock>.Load(at.Minimums + (part / 2));
                    byte* sums = scales + toSums;
                    a0 = TSimd.AddMinimum(a0, minimums, sums, m, scales);
                    a1 = TSimd.AddMinimum(a1, minimums, sums + to1, m, scales + to1);
                    a2 = TSimd.AddMinimum(a2, minimums, sums + to2, m, scales + to2);
                    a3 = TSimd.AddMinimum(a3, minimums, sums + to3, m, scales + to3);
                }

                at.Next(piece);
                codes += WideCodes ? 64 : 32;
                scales += 4;
            }

            total0 = column == 0 ? a0 : TSimd.Add(total0, a0);
            total1 = column == 0 ? a1 : TSimd.Add(total1, a1);
            total2 = column == 0 ? a2 : TSimd.Add(total2, a2);
            total3 = column == 0 ? a3 : TSimd.Add(total3, a3);
            tile = at.Codes;
        }

        y += (nint)row * stride;
        TSimd.Store(y, total0);
        if (row < last)
        {
            TSimd.Store(y + stride, total1);
        }

        if (row + 1 < last)
        {
            TSimd.Store(y + (2 * (nint)stride), total2);
        }

        if (row + 2 < last)
        {
            TSimd.Store(y + (3 * (nint)stride), total3);
        }
    }

    /// <summary>Unsigned codes: <see cref="PieceProduct{TSimd, V, TBlock, TCodes}.Dot"/> for four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Narrow(byte* codes, byte* x, nint to1, nint to2, nint to3, V pairs, out V n0, out V n1, out V n2, out V n3)
    {
        var (first, second) = Scales(pairs);
        V s0 = TSimd.Zero, s1 = TSimd.Zero, s2 = TSimd.Zero, s3 = TSimd.Zero;
        n0 = n1 = n2 = n3 = TSimd.Zero;
        Half(codes, x, 0, to1, to2, to3, first, ref n0, ref n1, ref n2, ref n3, ref s0, ref s1, ref s2, ref s3);
        Half(codes, x, 2, to1, to2, to3, second, ref n0, ref n1, ref n2, ref n3, ref s0, ref s1, ref s2, ref s3);
        if (Sums == 1)
        {
            Widen(second, ref n0, ref n1, ref n2, ref n3, ref s0, ref s1, ref s2, ref s3);
        }
    }

    /// <summary>Half a piece, 16 weights: sums of byte products, widened where they would grow too large, and at its end where halves differ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Half(
        byte* codes, byte* x, int pair, nint to1, nint to2, nint to3, V scale,
        ref V n0, ref V n1, ref V n2, ref V n3, ref V s0, ref V s1, ref V s2, ref V s3)
    {
        Pair(codes, x, pair, to1, to2, to3, scale, ref n0, ref n1, ref n2, ref n3, ref s0, ref s1, ref s2, ref s3);
        if (Sums >= 4)
        {
            Widen(scale, ref n0, ref n1, ref n2, ref n3, ref s0, ref s1, ref s2, ref s3);
        }

        Pair(codes, x, pair + 1, to1, to2, to3, scale, ref n0, ref n1, ref n2, ref n3, ref s0, ref s1, ref s2, ref s3);
        if (Sums > 1)
        {
            Widen(scale, ref n0, ref n1, ref n2, ref n3, ref s0, ref s1, ref s2, ref s3);
        }
    }

    /// <summary>A piece whose halves have scales of their own: a product for each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PairedPiece(
        in SegmentCursor<TBlock, TCodes> at, int part, byte* x, byte* scales, nint toSums, nint to1, nint to2, nint to3, ref V a0, ref V a1, ref V a2, ref V a3)
    {
        var ones = TSimd.Set(SumsSignedBytes ? 1 : 0x00010001);
        byte* sums = scales + toSums;
        for (int half = 0; half < 2; half++)
        {
            V n0, n1, n2, n3, s0, s1, s2, s3;
            n0 = n1 = n2 = n3 = s0 = s1 = s2 = s3 = TSimd.Zero;
            Half(at.Codes + part, x, 2 * half, to1, to2, to3, ones, ref n0, ref n1, ref n2, ref n3, ref s0, ref s1, ref s2, ref s3);
            if (TCodes.Bias != 0)
            {
                var bias = TSimd.Set(TCodes.Bias << (16 * half));
                n0 = TSimd.SubtractProducts16(n0, bias, sums);
                n1 = TSimd.SubtractProducts16(n1, bias, sums + to1);
                n2 = TSimd.SubtractProducts16(n2, bias, sums + to2);
                n3 = TSimd.SubtractProducts16(n3, bias, sums + to3);
            }

            var w = ScaleLoad<TSimd, V, TBlock>.Load(at.Scales + (part / 2) + (2 * TileRows * half));
            a0 = TSimd.AddScaledBy(a0, n0, w, scales);
            a1 = TSimd.AddScaledBy(a1, n1, w, scales + to1);
            a2 = TSimd.AddScaledBy(a2, n2, w, scales + to2);
            a3 = TSimd.AddScaledBy(a3, n3, w, scales + to3);
        }
    }

    /// <summary>Adds eight weights' products to the 16-bit sums; where only four fit, those of the first four go on to the 32-bit ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pair(
        byte* codes, byte* x, int pair, nint to1, nint to2, nint to3, V scale,
        ref V n0, ref V n1, ref V n2, ref V n3, ref V s0, ref V s1, ref V s2, ref V s3)
    {
        TCodes.LoadPair<TSimd, V>(codes, pair, out var even, out var odd);
        x += 8 * pair;
        if (Sums == 8)
        {
            s0 = TSimd.AddByteProducts(s0, even, TSimd.Broadcast(x));
            s1 = TSimd.AddByteProducts(s1, even, TSimd.Broadcast(x + to1));
            s2 = TSimd.AddByteProducts(s2, even, TSimd.Broadcast(x + to2));
            s3 = TSimd.AddByteProducts(s3, even, TSimd.Broadcast(x + to3));
            Widen(scale, ref n0, ref n1, ref n2, ref n3, ref s0, ref s1, ref s2, ref s3);
            x += 4;
            s0 = TSimd.AddByteProducts(s0, odd, TSimd.Broadcast(x));
            s1 = TSimd.AddByteProducts(s1, odd, TSimd.Broadcast(x + to1));
            s2 = TSimd.AddByteProducts(s2, odd, TSimd.Broadcast(x + to2));
            s3 = TSimd.AddByteProducts(s3, odd, TSimd.Broadcast(x + to3));
            return;
        }

        s0 = TSimd.AddPairProducts(s0, even, odd, x);
        s1 = TSimd.AddPairProducts(s1, even, odd, x + to1);
        s2 = TSimd.AddPairProducts(s2, even, odd, x + to2);
        s3 = TSimd.AddPairProducts(s3, even, odd, x + to3);
    }

    /// <summary>Scales of a piece's halves as <see cref="ISimd{V}.WidenSums"/> takes them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V First, V Second) Scales(V pairs)
    {
        if (!SumsSignedBytes)
        {
            return HalfScales ? (TSimd.LowTwice(pairs), TSimd.HighTwice(pairs)) : (pairs, pairs);
        }

        var second = TSimd.ShiftRightArithmetic32(pairs, 16);
        return HalfScales ? (TSimd.ShiftRightArithmetic32(TSimd.ShiftLeft32(pairs, 16), 16), second) : (second, second);
    }

    /// <summary>Adds sums of byte products, times sub-block scales, to the 32-bit ones, and starts them afresh.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Widen(V pairs, ref V n0, ref V n1, ref V n2, ref V n3, ref V s0, ref V s1, ref V s2, ref V s3)
    {
        n0 = TSimd.Add32(n0, TSimd.WidenSums(s0, pairs));
        n1 = TSimd.Add32(n1, TSimd.WidenSums(s1, pairs));
        n2 = TSimd.Add32(n2, TSimd.WidenSums(s2, pairs));
        n3 = TSimd.Add32(n3, TSimd.WidenSums(s3, pairs));
        s0 = s1 = s2 = s3 = TSimd.Zero;
    }

    /// <summary>Signed bytes, widened once for four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Wide(byte* codes, byte* x, nint to1, nint to2, nint to3, V pairs, out V n0, out V n1, out V n2, out V n3)
    {
        n0 = n1 = n2 = n3 = TSimd.Zero;
        for (int pair = 0; pair < 4; pair++)
        {
            TCodes.LoadPair<TSimd, V>(codes, pair, out var even, out var odd);
            WideGroup(even, x, to1, to2, to3, ref n0, ref n1, ref n2, ref n3);
            WideGroup(odd, x + 8, to1, to2, to3, ref n0, ref n1, ref n2, ref n3);
            x += 16;
        }

        if (PackedLayout<TBlock, TCodes>.IsSuper)
        {
            // Wide formats have one scale per 32.
            var scale = TSimd.ShiftRightArithmetic32(pairs, 16);
            n0 = TSimd.Multiply32(n0, scale);
            n1 = TSimd.Multiply32(n1, scale);
            n2 = TSimd.Multiply32(n2, scale);
            n3 = TSimd.Multiply32(n3, scale);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WideGroup(V codes, byte* x, nint to1, nint to2, nint to3, ref V n0, ref V n1, ref V n2, ref V n3)
    {
        var even = TSimd.ShiftRightArithmetic16(TSimd.ShiftLeft16(codes, 8), 8);
        var odd = TSimd.ShiftRightArithmetic16(codes, 8);
        n0 = TSimd.AddWidePairProducts(n0, even, odd, x);
        n1 = TSimd.AddWidePairProducts(n1, even, odd, x + to1);
        n2 = TSimd.AddWidePairProducts(n2, even, odd, x + to2);
        n3 = TSimd.AddWidePairProducts(n3, even, odd, x + to3);
    }
}
