using LlmServe.Cpu.Execution;
using LlmServe.Gguf;
using System.Runtime.Intrinsics;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Float matrix (F32, F16, BF16, as the file stores them) times rows: a matrix row is widened once and multiplied with every row.</summary>
internal static unsafe class FloatProduct
{
    /// <inheritdoc cref="Reference.ReferenceMatMul"/>
    public static void F32(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
    {
        for (int r = begin; r < end; r++)
        {
            Row((float*)(matrix->Raw + (r * matrix->RawRowBytes)), matrix->Columns, x, rows, y + (r - begin), stride);
        }
    }

    /// <inheritdoc cref="Reference.ReferenceMatMul"/>
    public static void F16(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
    {
        float* weights = (float*)scratch;
        for (int r = begin; r < end; r++)
        {
            byte* raw = matrix->Raw + (r * matrix->RawRowBytes);
            int i = 0;
            for (; i <= matrix->Columns - 8; i += 8)
            {
                VectorMath.LoadHalves(raw + (2 * i)).Store(weights + i);
            }

            for (; i < matrix->Columns; i++)
            {
                weights[i] = (float)((Half*)raw)[i];
            }

            Row(weights, matrix->Columns, x, rows, y + (r - begin), stride);
        }
    }

    /// <inheritdoc cref="Reference.ReferenceMatMul"/>
    public static void BF16(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
    {
        float* weights = (float*)scratch;
        for (int r = begin; r < end; r++)
        {
            byte* raw = matrix->Raw + (r * matrix->RawRowBytes);
            int i = 0;
            for (; i <= matrix->Columns - 8; i += 8)
            {
                (VectorMath.LoadWords((short*)raw + i) << 16).AsSingle().Store(weights + i);
            }

            for (; i < matrix->Columns; i++)
            {
                weights[i] = BitConverter.Int32BitsToSingle(((ushort*)raw)[i] << 16);
            }

            Row(weights, matrix->Columns, x, rows, y + (r - begin), stride);
        }
    }

    private static void Row(float* weights, int columns, ActivationView* x, int rows, float* y, int stride)
    {
        int row = 0;
        nint distance = x->Layout.RowBytes / sizeof(float);
        float* results = stackalloc float[4];
        for (; row <= rows - 4; row += 4)
        {
            VectorMath.Dot4(weights, x->Real(row), distance, columns, results);
            for (int i = 0; i < 4; i++)
            {
                y[(nint)(row + i) * stride] = results[i];
            }
        }

        for (; row < rows; row++)
        {
            y[(nint)row * stride] = VectorMath.Dot(weights, x->Real(row), columns);
        }
    }
}
