using System.Runtime.Intrinsics;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Float dot products of a panel of matrix rows with many rows, a segment of columns at a time: three matrix rows by four rows stay in registers.
/// Scratch: <c>[panel: 24 matrix rows][256]</c>, then <c>[rows][24][8 accumulators]</c>.
/// </summary>
internal static unsafe class FloatTile
{
    /// <summary>Matrix rows of a panel, which fits the first cache.</summary>
    public const int Rows = 24;

    private const int Segment = 256;
    private const int PanelBytes = Rows * Segment * sizeof(float);
    private const int Accumulators = 8;

    /// <summary>Bytes of scratch for <paramref name="rows"/> rows.</summary>
    public static int ScratchBytes(int rows) => PanelBytes + (rows * Rows * Accumulators * sizeof(float));

    /// <summary>Where the panel stands.</summary>
    public static float* Panel(byte* scratch) => (float*)scratch;

    /// <summary>Adds a segment of <paramref name="count"/> matrix rows, a multiple of three, to the accumulators; the first segment sets them.</summary>
    public static void AddSegment(byte* scratch, int count, ActivationView* x, int rows, int column, int columns)
    {
        float* totals = (float*)(scratch + PanelBytes);
        for (int row = 0; row < rows; row += 4)
        {
            // Of the last rows some are multiplied more than once.
            int last = rows - 1;
            int row1 = Math.Min(row + 1, last), row2 = Math.Min(row + 2, last), row3 = Math.Min(row + 3, last);
            for (int r = 0; r < count; r += 3)
            {
                ThreeByFour(
                    Panel(scratch) + (r * Segment), x->Real(row) + column, x->Real(row1) + column, x->Real(row2) + column, x->Real(row3) + column, columns, column > 0,
                    At(totals, row, r), At(totals, row1, r), At(totals, row2, r), At(totals, row3, r));
            }
        }
    }

    /// <summary>Joins the accumulators into the results.</summary>
    public static void Finish(byte* scratch, int count, int rows, float* y, int stride)
    {
        float* totals = (float*)(scratch + PanelBytes);
        for (int row = 0; row < rows; row++)
        {
            for (int r = 0; r < count; r++)
            {
                y[((nint)row * stride) + r] = VectorMath.Join(Vector256.Load(At(totals, row, r)));
            }
        }
    }

    private static float* At(float* totals, int row, int r) => totals + (((row * Rows) + r) * Accumulators);

    private static void ThreeByFour(
        float* w, float* x0, float* x1, float* x2, float* x3, int columns, bool add, float* t0, float* t1, float* t2, float* t3)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, b0 = default, b1 = default, b2 = default;
        Vector256<float> c0 = default, c1 = default, c2 = default, d0 = default, d1 = default, d2 = default;
        for (int i = 0; i < columns; i += 8)
        {
            Vector256<float> w0 = Vector256.Load(w + i), w1 = Vector256.Load(w + Segment + i), w2 = Vector256.Load(w + (2 * Segment) + i);
            var v = Vector256.Load(x0 + i);
            a0 = Vector256.FusedMultiplyAdd(v, w0, a0);
            a1 = Vector256.FusedMultiplyAdd(v, w1, a1);
            a2 = Vector256.FusedMultiplyAdd(v, w2, a2);
            v = Vector256.Load(x1 + i);
            b0 = Vector256.FusedMultiplyAdd(v, w0, b0);
            b1 = Vector256.FusedMultiplyAdd(v, w1, b1);
            b2 = Vector256.FusedMultiplyAdd(v, w2, b2);
            v = Vector256.Load(x2 + i);
            c0 = Vector256.FusedMultiplyAdd(v, w0, c0);
            c1 = Vector256.FusedMultiplyAdd(v, w1, c1);
            c2 = Vector256.FusedMultiplyAdd(v, w2, c2);
            v = Vector256.Load(x3 + i);
            d0 = Vector256.FusedMultiplyAdd(v, w0, d0);
            d1 = Vector256.FusedMultiplyAdd(v, w1, d1);
            d2 = Vector256.FusedMultiplyAdd(v, w2, d2);
        }

        // Where rows coincide, their sums are added once.
        Set(t0, a0, a1, a2, add);
        if (t1 != t0)
        {
            Set(t1, b0, b1, b2, add);
        }

        if (t2 != t1)
        {
            Set(t2, c0, c1, c2, add);
        }

        if (t3 != t2)
        {
            Set(t3, d0, d1, d2, add);
        }
    }

    private static void Set(float* totals, Vector256<float> a, Vector256<float> b, Vector256<float> c, bool add)
    {
        if (add)
        {
            a = Vector256.Load(totals) + a;
            b = Vector256.Load(totals + Accumulators) + b;
            c = Vector256.Load(totals + (2 * Accumulators)) + c;
        }

        a.Store(totals);
        b.Store(totals + Accumulators);
        c.Store(totals + (2 * Accumulators));
    }
}
