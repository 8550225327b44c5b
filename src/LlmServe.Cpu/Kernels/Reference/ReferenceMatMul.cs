using LlmServe.Cpu.Execution;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Reference;

/// <summary>
/// Matrix times rows, one number at a time, over the weights as the file stores them: docs/numerics.md, "Quantized matrix times row".
/// Signature of all matrix kernels: matrix, activations, number of rows, first and end matrix row, y, distance between rows of y in floats, scratch;
/// y[row · stride + (r − first)] receives the product of matrix row r.
/// </summary>
internal static unsafe class ReferenceMatMul
{
    private const int Segment = 256;
    private const int Block = 32;

    /// <summary><c>int8</c> mode.</summary>
    public static void Int8<TFormat>(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
        where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        for (int r = begin; r < end; r++)
        {
            byte* weights = matrix->Raw + (r * matrix->RawRowBytes);
            for (int row = 0; row < rows; row++)
            {
                y[((nint)row * stride) + (r - begin)] = Int8Dot<TFormat>(weights, matrix->Columns, x->Signed8(row), x->Scales(row), x->Sums(row));
            }
        }
    }

    /// <summary><c>f32</c> mode.</summary>
    public static void Real<TFormat>(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
        where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        for (int r = begin; r < end; r++)
        {
            byte* weights = matrix->Raw + (r * matrix->RawRowBytes);
            for (int row = 0; row < rows; row++)
            {
                y[((nint)row * stride) + (r - begin)] = RealDot<TFormat>(weights, matrix->Columns, x->Real(row));
            }
        }
    }

    /// <summary>Float weights: the row is decoded and multiplied by <see cref="ReferenceVector.Dot"/>.</summary>
    public static void Float(Matrix* matrix, ActivationView* x, int rows, int begin, int end, float* y, int stride, byte* scratch)
    {
        float* decoded = (float*)scratch;
        for (int r = begin; r < end; r++)
        {
            matrix->Decode(matrix->Raw + (r * matrix->RawRowBytes), decoded, matrix->Columns);
            for (int row = 0; row < rows; row++)
            {
                y[((nint)row * stride) + (r - begin)] = ReferenceVector.Dot(x->Real(row), decoded, matrix->Columns);
            }
        }
    }

    private static float Int8Dot<TFormat>(byte* weights, int columns, sbyte* codes, float* scales, short* sums)
        where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        float total = 0;
        for (int segment = 0; segment < columns; segment += Segment)
        {
            float acc = 0;
            for (int k = segment; k < Math.Min(columns, segment + Segment); k += Block)
            {
                int block = k / Block;
                Unpack<TFormat>(weights, k, out var w);
                float d = scales[block];
                int h0 = sums[2 * block], h1 = sums[(2 * block) + 1];
                int n0 = w.SubScale0 * Dot16(w.Q, codes + k), n1 = w.SubScale1 * Dot16(w.Q + 16, codes + k + 16);
                if (TFormat.Kind == BlockKind.Paired)
                {
                    acc = MathF.FusedMultiplyAdd(w.Scale * d, n0, acc);
                    acc = MathF.FusedMultiplyAdd(w.SecondScale * d, n1, acc);
                    continue;
                }

                int n = n0 + n1;
                acc = MathF.FusedMultiplyAdd(w.Scale * d, n, acc);
                if (TFormat.Kind == BlockKind.WithMinimum)
                {
                    acc = MathF.FusedMultiplyAdd(w.Minimum * d, h0 + h1, acc);
                }
                else if (TFormat.Kind == BlockKind.SuperWithMinimum)
                {
                    acc = MathF.FusedMultiplyAdd(-w.Minimum * d, (w.SubMinimum0 * h0) + (w.SubMinimum1 * h1), acc);
                }
            }

            total = segment == 0 ? acc : total + acc;
        }

        return total;
    }

    private static float RealDot<TFormat>(byte* weights, int columns, float* x)
        where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        float total = 0;
        for (int segment = 0; segment < columns; segment += Segment)
        {
            float acc = 0;
            for (int k = segment; k < Math.Min(columns, segment + Segment); k += Block)
            {
                Unpack<TFormat>(weights, k, out var w);
                for (int sub = 0; sub < Block; sub += TFormat.SubBlockSize)
                {
                    float t = 0, sx = 0;
                    for (int i = sub; i < sub + TFormat.SubBlockSize; i++)
                    {
                        t = MathF.FusedMultiplyAdd(w.Q[i], x[k + i], t);
                        sx += x[k + i];
                    }

                    float scale = TFormat.Kind == BlockKind.Paired && sub > 0 ? w.SecondScale : w.Scale;
                    acc = MathF.FusedMultiplyAdd(scale * (sub == 0 ? w.SubScale0 : w.SubScale1), t, acc);
                    if (TFormat.Kind == BlockKind.WithMinimum)
                    {
                        acc = MathF.FusedMultiplyAdd(w.Minimum, sx, acc);
                    }
                    else if (TFormat.Kind == BlockKind.SuperWithMinimum)
                    {
                        acc = MathF.FusedMultiplyAdd(-(w.Minimum * (sub == 0 ? w.SubMinimum0 : w.SubMinimum1)), sx, acc);
                    }
                }
            }

            total = segment == 0 ? acc : total + acc;
        }

        return total;
    }

    private static void Unpack<TFormat>(byte* weights, int k, out Codes32 codes)
        where TFormat : unmanaged, IBlockFormat<TFormat> =>
        TFormat.Unpack(weights + ((nint)(k / TFormat.BlockSize) * TFormat.BlockBytes), k % TFormat.BlockSize / Block, out codes);

    private static int Dot16(sbyte* w, sbyte* x)
    {
        int sum = 0;
        for (int i = 0; i < 16; i++)
        {
            sum += w[i] * x[i];
        }

        return sum;
    }
}
