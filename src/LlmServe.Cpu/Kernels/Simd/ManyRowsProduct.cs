using System.Runtime.CompilerServices;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Matrix times many rows in <c>int8</c> mode, over unpacked panels. Narrow codes: signed bytes times unsigned activations (x + 128), summed in 16 bits that start
/// at the correction −128·Σw; sums may wrap on the way, the final ones fit. Wide codes: 16-bit products. Instruction sets that sum signed bytes take all
/// codes and activations as such. Six accumulators stay in registers: six vectors of matrix rows with one row of activations where there are 16 registers
/// (8 rows a vector), three with two where there are 32.
/// </summary>
internal static unsafe partial class ManyRowsProduct<TSimd, V, TBlock, TCodes>
    where TSimd : struct, ISimd<V>
    where V : unmanaged
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
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
                Segments(scratch, pieces, x, rows, column, count, target, stride);

                segmentOffset += PackedLayout<TBlock, TCodes>.SegmentBytes(pieces);
            }
        }
    }

    private static void Segments(byte* panel, int pieces, ActivationView* x, int rows, int column, int count, float* y, int stride)
    {
        if (TSimd.Lanes == 8)
        {
            for (int row = 0; row < rows; row++)
            {
                SegmentOfOneRow(panel, pieces, x, row, column, count, y + ((nint)row * stride));
            }

            return;
        }

        for (int part = 0; part < count; part += 3)
        {
            byte* start = panel + (part * VectorBytes);
            float* target = y + (part * TSimd.Lanes);
            int vectors = Math.Min(3, count - part);
            for (int row = 0; row < rows; row += 2)
            {
                // The last of an odd number of rows goes with itself.
                int second = Math.Min(row + 1, rows - 1);
                SegmentOfTwoRows(start, pieces, x, row, second, column, vectors, target + ((nint)row * stride), target + ((nint)second * stride));
            }
        }
    }

    /// <summary>Stores, or adds to what earlier segments left, the sums of one to three vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishThree(float* y, V a0, V a1, V a2, int count, bool add)
    {
        int lanes = TSimd.Lanes;
        TSimd.Store(y, add ? TSimd.Add(TSimd.Load(y), a0) : a0);
        if (count > 1)
        {
            TSimd.Store(y + lanes, add ? TSimd.Add(TSimd.Load(y + lanes), a1) : a1);
        }

        if (count > 2)
        {
            TSimd.Store(y + (2 * lanes), add ? TSimd.Add(TSimd.Load(y + (2 * lanes)), a2) : a2);
        }
    }
}
