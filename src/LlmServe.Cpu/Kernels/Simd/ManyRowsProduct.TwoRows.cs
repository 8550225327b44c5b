using System.Runtime.CompilerServices;
using LlmServe.Cpu.Execution;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <content>The inner loop of 32-register instruction sets: three vectors of matrix rows (all of a panel, or a quarter), two rows of activations; a vector of codes is loaded once for both.</content>
internal static unsafe partial class ManyRowsProduct<TSimd, V, TBlock, TCodes>
{
    /// <summary>Two rows of activations against a segment of the panel. Accumulators 0 to 2 are the first row's.</summary>
    private static void SegmentOfTwoRows(
        byte* panel, int pieces, ActivationView* x, int row0, int row1, int column, int count, float* y0, float* y1)
    {
        int codesAt = WideCodes ? x->Layout.Signed16 + (2 * column) : (SumsSignedBytes ? x->Layout.Signed8 : x->Layout.Unsigned8) + column;
        int scalesAt = x->Layout.Scales + (column / 32 * 4);
        nint toSums = x->Layout.Sums - x->Layout.Scales;
        nint toSecond = (nint)(x->Row(row1) - x->Row(row0));
        byte* codes = x->Row(row0) + codesAt;
        byte* scales = x->Row(row0) + scalesAt;
        int vector = VectorBytes, pieceBytes = PieceBytes, scaleOffset = ScaleOffset;
        V a0 = TSimd.Zero, a1 = TSimd.Zero, a2 = TSimd.Zero, a3 = TSimd.Zero, a4 = TSimd.Zero, a5 = TSimd.Zero;
        for (int piece = 0; piece < pieces; piece++)
        {
            V n0, n1, n2, n3, n4, n5;
            if (WideCodes)
            {
                WideTwo(panel, codes, toSecond, out n0, out n1, out n2, out n3, out n4, out n5);
            }
            else
            {
                NarrowTwo(panel, codes, toSecond, 0, out n0, out n1, out n2, out n3, out n4, out n5);
            }

            var d0 = TSimd.Broadcast(scales);
            var d1 = TSimd.Broadcast(scales + toSecond);
            byte* w = panel + scaleOffset;
            if (Sums > 1 && !PackedLayout<TBlock, TCodes>.IsPaired)
            {
                AddSumTwo(panel, codes, toSecond, 1, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
            }

            if (Sums > 2)
            {
                AddSumTwo(panel, codes, toSecond, 2, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
                AddSumTwo(panel, codes, toSecond, 3, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
            }

            a0 = TSimd.AddScaled(a0, n0, d0, w);
            a1 = TSimd.AddScaled(a1, n1, d0, w + vector);
            a2 = TSimd.AddScaled(a2, n2, d0, w + (2 * vector));
            a3 = TSimd.AddScaled(a3, n3, d1, w);
            a4 = TSimd.AddScaled(a4, n4, d1, w + vector);
            a5 = TSimd.AddScaled(a5, n5, d1, w + (2 * vector));
            if (PackedLayout<TBlock, TCodes>.IsPaired)
            {
                w += Row;
                NarrowTwo(panel, codes, toSecond, 1, out n0, out n1, out n2, out n3, out n4, out n5);
                a0 = TSimd.AddScaled(a0, n0, d0, w);
                a1 = TSimd.AddScaled(a1, n1, d0, w + vector);
                a2 = TSimd.AddScaled(a2, n2, d0, w + (2 * vector));
                a3 = TSimd.AddScaled(a3, n3, d1, w);
                a4 = TSimd.AddScaled(a4, n4, d1, w + vector);
                a5 = TSimd.AddScaled(a5, n5, d1, w + (2 * vector));
            }

            if (PackedLayout<TBlock, TCodes>.HasMinimum)
            {
                byte* m = panel + MinimumOffset;
                byte* sub = panel + SubMinimumOffset;
                AddThreeMinimums(m, sub, d0, TSimd.Broadcast(scales + toSums), ref a0, ref a1, ref a2);
                AddThreeMinimums(m, sub, d1, TSimd.Broadcast(scales + toSums + toSecond), ref a3, ref a4, ref a5);
            }

            panel += pieceBytes;
            codes += WideCodes ? 64 : 32;
            scales += 4;
        }

        FinishThree(y0, a0, a1, a2, count, column > 0);
        if (row1 != row0)
        {
            FinishThree(y1, a3, a4, a5, count, column > 0);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddThreeMinimums(byte* m, byte* sub, V d, V halfSums, ref V a0, ref V a1, ref V a2)
    {
        int vector = VectorBytes;
        if (TBlock.Kind == BlockKind.WithMinimum)
        {
            var n = TSimd.MultiplyAdd16(halfSums, TSimd.Set(0x00010001));
            a0 = TSimd.AddScaled(a0, n, d, m);
            a1 = TSimd.AddScaled(a1, n, d, m + vector);
            a2 = TSimd.AddScaled(a2, n, d, m + (2 * vector));
            return;
        }

        var zero = TSimd.Zero;
        a0 = TSimd.AddScaled(a0, TSimd.AddProducts16(zero, halfSums, sub), d, m);
        a1 = TSimd.AddScaled(a1, TSimd.AddProducts16(zero, halfSums, sub + vector), d, m + vector);
        a2 = TSimd.AddScaled(a2, TSimd.AddProducts16(zero, halfSums, sub + (2 * vector)), d, m + (2 * vector));
    }

    /// <summary>Adds a further sum of the piece.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSumTwo(byte* panel, byte* x, nint toSecond, int sum, ref V n0, ref V n1, ref V n2, ref V n3, ref V n4, ref V n5)
    {
        NarrowTwo(panel, x, toSecond, sum, out var m0, out var m1, out var m2, out var m3, out var m4, out var m5);
        n0 = TSimd.Add32(n0, m0);
        n1 = TSimd.Add32(n1, m1);
        n2 = TSimd.Add32(n2, m2);
        n3 = TSimd.Add32(n3, m3);
        n4 = TSimd.Add32(n4, m4);
        n5 = TSimd.Add32(n5, m5);
    }

    /// <summary>Narrow codes: one of a piece's sums, widened with the sub-block scale where the format has one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void NarrowTwo(byte* panel, byte* x, nint toSecond, int sum, out V n0, out V n1, out V n2, out V n3, out V n4, out V n5)
    {
        int vector = VectorBytes, row3 = Row, groups = SumGroups;
        byte* weights = panel + (sum * groups * row3), corrections = panel + CorrectionOffset + (sum * row3), subScales = panel + SubScaleOffset + (sum * row3);
        x += sum * groups * 4;
        n0 = n3 = Corrected ? TSimd.Load(corrections) : TSimd.Zero;
        n1 = n4 = Corrected ? TSimd.Load(corrections + vector) : TSimd.Zero;
        n2 = n5 = Corrected ? TSimd.Load(corrections + (2 * vector)) : TSimd.Zero;
        for (int group = 0; group < groups; group += 2)
        {
            StepTwo(weights, x, toSecond, vector, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
            StepTwo(weights + row3, x + 4, toSecond, vector, ref n0, ref n1, ref n2, ref n3, ref n4, ref n5);
            weights += 2 * row3;
            x += 8;
        }

        if (SumsSignedBytes && !PackedLayout<TBlock, TCodes>.IsSuper)
        {
            return;
        }

        var ones = TSimd.Set(0x00010001);
        var s0 = PackedLayout<TBlock, TCodes>.IsSuper ? TSimd.Load(subScales) : ones;
        var s1 = PackedLayout<TBlock, TCodes>.IsSuper ? TSimd.Load(subScales + vector) : ones;
        var s2 = PackedLayout<TBlock, TCodes>.IsSuper ? TSimd.Load(subScales + (2 * vector)) : ones;
        n0 = TSimd.WidenSums(n0, s0);
        n1 = TSimd.WidenSums(n1, s1);
        n2 = TSimd.WidenSums(n2, s2);
        n3 = TSimd.WidenSums(n3, s0);
        n4 = TSimd.WidenSums(n4, s1);
        n5 = TSimd.WidenSums(n5, s2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StepTwo(byte* weights, byte* x, nint toSecond, int vector, ref V n0, ref V n1, ref V n2, ref V n3, ref V n4, ref V n5)
    {
        var first = TSimd.Broadcast(x);
        var second = TSimd.Broadcast(x + toSecond);
        var w = TSimd.Load(weights);
        n0 = TSimd.AddByteProducts(n0, first, w);
        n3 = TSimd.AddByteProducts(n3, second, w);
        w = TSimd.Load(weights + vector);
        n1 = TSimd.AddByteProducts(n1, first, w);
        n4 = TSimd.AddByteProducts(n4, second, w);
        w = TSimd.Load(weights + (2 * vector));
        n2 = TSimd.AddByteProducts(n2, first, w);
        n5 = TSimd.AddByteProducts(n5, second, w);
    }

    /// <summary>Wide codes: sixteen steps of two 16-bit products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WideTwo(byte* panel, byte* x, nint toSecond, out V n0, out V n1, out V n2, out V n3, out V n4, out V n5)
    {
        int vector = VectorBytes, row3 = Row;
        byte* scales = panel + SubScaleOffset;
        n0 = n1 = n2 = n3 = n4 = n5 = TSimd.Zero;
        for (int step = 0; step < 16; step++)
        {
            var first = TSimd.Broadcast(x);
            var second = TSimd.Broadcast(x + toSecond);
            var w = TSimd.Load(panel);
            n0 = TSimd.AddProducts16(n0, first, w);
            n3 = TSimd.AddProducts16(n3, second, w);
            w = TSimd.Load(panel + vector);
            n1 = TSimd.AddProducts16(n1, first, w);
            n4 = TSimd.AddProducts16(n4, second, w);
            w = TSimd.Load(panel + (2 * vector));
            n2 = TSimd.AddProducts16(n2, first, w);
            n5 = TSimd.AddProducts16(n5, second, w);
            panel += row3;
            x += 4;
        }

        if (PackedLayout<TBlock, TCodes>.IsSuper)
        {
            var s0 = TSimd.Load(scales);
            var s1 = TSimd.Load(scales + vector);
            var s2 = TSimd.Load(scales + (2 * vector));
            n0 = TSimd.Multiply32(n0, s0);
            n1 = TSimd.Multiply32(n1, s1);
            n2 = TSimd.Multiply32(n2, s2);
            n3 = TSimd.Multiply32(n3, s0);
            n4 = TSimd.Multiply32(n4, s1);
            n5 = TSimd.Multiply32(n5, s2);
        }
    }
}
