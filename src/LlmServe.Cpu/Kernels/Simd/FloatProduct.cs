using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Float matrix (F32, F16, BF16, as the file stores them) times rows. A vector holds eight columns, which are the eight accumulators of a float dot
/// product: a segment is one chain of fused multiply-adds, and four chains advance together.
/// </summary>
internal static unsafe class FloatProduct<TCodes> where TCodes : struct, IFloatCodes
{
    private const int Segment = 256;
    private const int Chains = 4;

    /// <summary>Longest matrix rows that go one after the other, in bytes.</summary>
    private const int MostBytesOfOne = 4096;

    /// <summary>How far ahead of use memory is asked for where four rows are read side by side.</summary>
    private const int PrefetchBytes = 1024;

    /// <summary>Columns between prefetches.</summary>
    private const int Stretch = 32;

    /// <inheritdoc cref="Reference.ReferenceMatMul"/>
    public static void FewRows(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
    {
        if (matrix->Columns % 8 != 0)
        {
            Plain(matrix, x, rows, begin, end, y, stride, (float*)scratch);
            return;
        }

        // Memory is best read in order. Rows that are too short for four segments go four at a time; so do rows so long that x does not stay in the first
        // cache beside them: it is then read once for the four.
        bool isLong = matrix->Columns >= Chains * Segment && matrix->RawRowBytes <= MostBytesOfOne;
        for (int r = begin; r < end; r += isLong ? 1 : Chains)
        {
            byte* weights = matrix->Raw + (r * matrix->RawRowBytes);
            for (int row = 0; row < rows; row++)
            {
                float* target = y + ((nint)row * stride) + (r - begin);
                if (isLong)
                {
                    *target = OneRow(weights, matrix->Columns, x->Real(row));
                }
                else
                {
                    FourRows(weights, (nint)matrix->RawRowBytes, Math.Min(Chains, end - r), matrix->Columns, x->Real(row), target);
                }
            }
        }
    }

    /// <summary>Up to four matrix rows times a row, a segment of each at a time.</summary>
    private static void FourRows(byte* weights, nint rowBytes, int count, int columns, float* x, float* y)
    {
        var sums = stackalloc Vector256<float>[Chains];
        var totals = stackalloc Vector256<float>[Chains];
        bool inOrder = columns < Chains * Segment;
        for (int column = 0; column < columns; column += Segment)
        {
            // Behind the end of a row, or always where rows are short, the four below go on.
            nint at = (nint)column * TCodes.Bytes, ahead = at + PrefetchBytes;
            ahead = inOrder ? Chains * (rowBytes + at) : ahead < rowBytes ? ahead : ahead + ((Chains - 1) * rowBytes);
            Multiply(
                weights + at, rowBytes, x + column, 0, count, Math.Min(Segment, columns - column),
                weights + ahead, inOrder ? Stretch * TCodes.Bytes : rowBytes, inOrder ? Chains * Stretch * TCodes.Bytes : Stretch * TCodes.Bytes, sums);
            for (int i = 0; i < count; i++)
            {
                totals[i] = column == 0 ? sums[i] : totals[i] + sums[i];
            }
        }

        for (int i = 0; i < count; i++)
        {
            y[i] = VectorMath.Join(totals[i]);
        }
    }

    /// <summary>One matrix row times a row, four segments at a time.</summary>
    private static float OneRow(byte* weights, int columns, float* x)
    {
        var sums = stackalloc Vector256<float>[Chains];
        var total = Vector256<float>.Zero;
        for (int column = 0; column < columns;)
        {
            // A last segment that is not full goes alone.
            int segments = Math.Clamp((columns - column) / Segment, 1, Chains);
            int length = Math.Min(segments * Segment, columns - column);
            byte* w = weights + ((nint)column * TCodes.Bytes);
            Multiply(
                w, Segment * TCodes.Bytes, x + column, Segment, segments, Math.Min(Segment, length),
                w + (length * TCodes.Bytes), Stretch * TCodes.Bytes, Chains * Stretch * TCodes.Bytes, sums);
            total = column == 0 ? sums[0] : total + sums[0];
            for (int i = 1; i < segments; i++)
            {
                total += sums[i];
            }

            column += length;
        }

        return VectorMath.Join(total);
    }

    /// <summary>
    /// Sums of up to four segments, that many bytes of weights and floats of x apart; missing ones repeat the last. While a stretch of the four is multiplied,
    /// one of each is asked for from <paramref name="ahead"/> on, <paramref name="aheadStep"/> bytes apart, <paramref name="aheadNext"/> further each time.
    /// </summary>
    private static void Multiply(
        byte* w0, nint weightStep, float* x0, nint step, int count, int columns, byte* ahead, nint aheadStep, nint aheadNext, Vector256<float>* sums)
    {
        int second = Math.Min(1, count - 1), third = Math.Min(2, count - 1), fourth = count - 1;
        byte* w1 = w0 + (second * weightStep), w2 = w0 + (third * weightStep), w3 = w0 + (fourth * weightStep);
        float* x1 = x0 + (second * step), x2 = x0 + (third * step), x3 = x0 + (fourth * step);
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        int i = 0;
        for (; i <= columns - Stretch; i += Stretch)
        {
            for (int line = 0; Sse.IsSupported && line < Stretch * TCodes.Bytes; line += 64)
            {
                Sse.Prefetch0(ahead + line);
                Sse.Prefetch0(ahead + aheadStep + line);
                Sse.Prefetch0(ahead + (2 * aheadStep) + line);
                Sse.Prefetch0(ahead + (3 * aheadStep) + line);
            }

            ahead += aheadNext;
            for (int j = i; j < i + Stretch; j += 16)
            {
                Step(w0, w1, w2, w3, x0, x1, x2, x3, j, ref a0, ref a1, ref a2, ref a3);
                Step(w0, w1, w2, w3, x0, x1, x2, x3, j + 8, ref a0, ref a1, ref a2, ref a3);
            }
        }

        for (; i < columns; i += 8)
        {
            Step(w0, w1, w2, w3, x0, x1, x2, x3, i, ref a0, ref a1, ref a2, ref a3);
        }

        sums[0] = a0;
        sums[1] = a1;
        sums[2] = a2;
        sums[3] = a3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(
        byte* w0, byte* w1, byte* w2, byte* w3, float* x0, float* x1, float* x2, float* x3, int i,
        ref Vector256<float> a0, ref Vector256<float> a1, ref Vector256<float> a2, ref Vector256<float> a3)
    {
        nint at = (nint)i * TCodes.Bytes;
        a0 = Vector256.FusedMultiplyAdd(TCodes.Load(w0 + at), Vector256.Load(x0 + i), a0);
        a1 = Vector256.FusedMultiplyAdd(TCodes.Load(w1 + at), Vector256.Load(x1 + i), a1);
        a2 = Vector256.FusedMultiplyAdd(TCodes.Load(w2 + at), Vector256.Load(x2 + i), a2);
        a3 = Vector256.FusedMultiplyAdd(TCodes.Load(w3 + at), Vector256.Load(x3 + i), a3);
    }

    /// <inheritdoc cref="Reference.ReferenceMatMul"/>
    public static void ManyRows(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
    {
        if (matrix->Columns % 8 != 0)
        {
            Plain(matrix, x, rows, begin, end, y, stride, (float*)scratch);
            return;
        }

        for (int r = begin; r < end; r += FloatTile.Rows)
        {
            int count = Math.Min(FloatTile.Rows, end - r);
            for (int column = 0; column < matrix->Columns; column += Segment)
            {
                int columns = Math.Min(Segment, matrix->Columns - column);
                Widen(matrix, r, count, column, columns, FloatTile.Panel(scratch));
                FloatTile.AddSegment(scratch, (count + 2) / 3 * 3, x, rows, column, columns);
            }

            FloatTile.Finish(scratch, count, rows, y + (r - begin), stride);
        }
    }

    /// <summary>A segment of some matrix rows as f32. panel: [count][256]</summary>
    private static void Widen(Matrix* matrix, int firstRow, int count, int column, int columns, float* panel)
    {
        for (int row = 0; row < count; row++)
        {
            byte* source = matrix->Raw + ((firstRow + row) * matrix->RawRowBytes) + ((nint)column * TCodes.Bytes);
            for (int i = 0; i < columns; i += 8)
            {
                TCodes.Load(source + (i * TCodes.Bytes)).Store(panel + (row * Segment) + i);
            }
        }
    }

    /// <summary>For columns that do not fill vectors: a matrix row is widened and multiplied with each row.</summary>
    private static void Plain(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, float* weights)
    {
        for (int r = begin; r < end; r++)
        {
            byte* raw = matrix->Raw + (r * matrix->RawRowBytes);
            for (int i = 0; i < matrix->Columns; i++)
            {
                weights[i] = TCodes.LoadOne(raw + ((nint)i * TCodes.Bytes));
            }

            for (int row = 0; row < rows; row++)
            {
                y[((nint)row * stride) + (r - begin)] = VectorMath.Dot(weights, x->Real(row), matrix->Columns);
            }
        }
    }
}
