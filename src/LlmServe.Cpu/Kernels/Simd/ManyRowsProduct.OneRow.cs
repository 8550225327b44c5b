using System.Runtime.CompilerServices;
using LlmServe.Cpu.Execution;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <content>The inner loop of 16-register instruction sets: six vectors of matrix rows, one row of activations.</content>
internal static unsafe partial class ManyRowsProduct<TSimd, V, TBlock, TCodes>
{
    /// <summary>One row of activations against a segment of the panel: six accumulators in registers.</summary>
    private static void SegmentOfOneRow(byte* panel, int pieces, ActivationView* x, int row, int column, int count, float* y)
    {
        byte* start = x->Row(row);
        byte* codes = start + (TCodes.IsWide ? x->Layout.Signed16 + (2 * column) : x->Layout.Unsigned8 + column);
        byte* scales = start + x->Layout.Scales + (column / 32 * 4);
        byte* sums = start + x->Layout.Sums + (column / 32 * 4);
        int vector = VectorBytes, row6 = Row, pieceBytes = PieceBytes, scaleOffset = ScaleOffset;
        V a0 = TSimd.Zero, a1 = TSimd.Zero, a2 = TSimd.Zero, a3 = TSimd.Zero, a4 = TSimd.Zero, a5 = TSimd.Zero;
        for (int piece = 0; piece < pieces; piece++)
        {
            V n0, n1, n2, n3, n4, n5;
            if (TCodes.IsWide)
            {
                Wide(panel, codes, out n0, out n1, out n2, out n3, out n4, out n5);
            }
            else
            {
                Narrow(panel, codes, 0, out n0, out n1, out n2, out n3, out n4, out n5);
            }

            var d = TSimd.Broadcast(scales);
            byte* w = panel + scaleOffset;
            if (Sums > 1 && !PackedLayout<TBlock, TCodes>.IsPaired)
            {
                AddSum(panel, codes, 1, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
            }

            if (Sums > 2)
            {
                AddSum(panel, codes, 2, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
                AddSum(panel, codes, 3, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
            }

            a0 = TSimd.AddScaled(a0, n0, d, w);
            a1 = TSimd.AddScaled(a1, n1, d, w + vector);
            a2 = TSimd.AddScaled(a2, n2, d, w + (2 * vector));
            a3 = TSimd.AddScaled(a3, n3, d, w + (3 * vector));
            a4 = TSimd.AddScaled(a4, n4, d, w + (4 * vector));
            a5 = TSimd.AddScaled(a5, n5, d, w + (5 * vector));
            if (PackedLayout<TBlock, TCodes>.IsPaired)
            {
                w += row6;
                Narrow(panel, codes, 1, out n0, out n1, out n2, out n3, out n4, out n5);
                a0 = TSimd.AddScaled(a0, n0, d, w);
                a1 = TSimd.AddScaled(a1, n1, d, w + vector);
                a2 = TSimd.AddScaled(a2, n2, d, w + (2 * vector));
                a3 = TSimd.AddScaled(a3, n3, d, w + (3 * vector));
                a4 = TSimd.AddScaled(a4, n4, d, w + (4 * vector));
                a5 = TSimd.AddScaled(a5, n5, d, w + (5 * vector));
            }

            if (PackedLayout<TBlock, TCodes>.HasMinimum)
            {
                AddMinimums(panel, d, TSimd.Broadcast(sums), ref a0, ref a1, ref a2, ref a3, ref a4, ref a5);
            }

            panel += pieceBytes;
            codes += TCodes.IsWide ? 64 : 32;
            scales += 4;
            sums += 4;
        }

        FinishThree(y, a0, a1, a2, count, column > 0);
        if (count > 3)
        {
            FinishThree(y + (3 * TSimd.Lanes), a3, a4, a5, count - 3, column > 0);
        }
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

    /// <summary>Adds a further sum of the piece.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSum(byte* panel, byte* x, int sum, ref V n0, ref V n1, ref V n2, ref V n3, ref V n4, ref V n5)
    {
        Narrow(panel, x, sum, out var m0, out var m1, out var m2, out var m3, out var m4, out var m5);
        n0 = TSimd.Add32(n0, m0);
        n1 = TSimd.Add32(n1, m1);
        n2 = TSimd.Add32(n2, m2);
        n3 = TSimd.Add32(n3, m3);
        n4 = TSimd.Add32(n4, m4);
        n5 = TSimd.Add32(n5, m5);
    }

    /// <summary>Narrow codes: one of a piece's 16-bit sums, widened with the sub-block scale where the format has one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Narrow(byte* panel, byte* x, int sum, out V n0, out V n1, out V n2, out V n3, out V n4, out V n5)
    {
        int vector = VectorBytes, row6 = Row, groups = SumGroups;
        byte* weights = panel + (sum * groups * row6), corrections = panel + CorrectionOffset + (sum * row6), subScales = panel + SubScaleOffset + (sum * row6);
        x += sum * groups * 4;
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
            n0 = TSimd.WidenSums(n0, TSimd.Load(subScales));
            n1 = TSimd.WidenSums(n1, TSimd.Load(subScales + vector));
            n2 = TSimd.WidenSums(n2, TSimd.Load(subScales + (2 * vector)));
            n3 = TSimd.WidenSums(n3, TSimd.Load(subScales + (3 * vector)));
            n4 = TSimd.WidenSums(n4, TSimd.Load(subScales + (4 * vector)));
            n5 = TSimd.WidenSums(n5, TSimd.Load(subScales + (5 * vector)));
        }
        else
        {
            var ones = TSimd.Set(0x00010001);
            n0 = TSimd.WidenSums(n0, ones);
            n1 = TSimd.WidenSums(n1, ones);
            n2 = TSimd.WidenSums(n2, ones);
            n3 = TSimd.WidenSums(n3, ones);
            n4 = TSimd.WidenSums(n4, ones);
            n5 = TSimd.WidenSums(n5, ones);
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
