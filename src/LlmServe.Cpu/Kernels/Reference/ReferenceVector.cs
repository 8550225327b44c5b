using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Reference;

/// <summary>Row operations, one number at a time: docs/numerics.md, "Float dot products", "Functions", "Activations in 8 bits".</summary>
internal static unsafe class ReferenceVector
{
    private const int Segment = 256;

    /// <summary>Float dot product: eight accumulators per segment, joined by a fixed tree.</summary>
    public static float Dot(float* x, float* y, int length)
    {
        float* total = stackalloc float[8];
        float* a = stackalloc float[8];
        for (int segment = 0; segment < length; segment += Segment)
        {
            new Span<float>(a, 8).Clear();
            for (int i = segment; i < Math.Min(length, segment + Segment); i++)
            {
                a[i & 7] = MathF.FusedMultiplyAdd(x[i], y[i], a[i & 7]);
            }

            for (int j = 0; j < 8; j++)
            {
                total[j] = segment == 0 ? a[j] : total[j] + a[j];
            }
        }

        return Join(total);
    }

    /// <summary>The tree that ends a float dot product.</summary>
    public static float Join(float* a) => ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));

    /// <summary>RMSNorm: y_i = (x_i · r) · g_i.</summary>
    public static void RmsNorm(float* x, float* gain, float* y, int length, float epsilon)
    {
        float r = 1 / MathF.Sqrt((Dot(x, x, length) / length) + epsilon);
        for (int i = 0; i < length; i++)
        {
            y[i] = gain == null ? x[i] * r : x[i] * r * gain[i];
        }
    }

    /// <summary>Sum of a row: its dot product with ones.</summary>
    public static float Sum(float* x, int length)
    {
        float* total = stackalloc float[8];
        float* a = stackalloc float[8];
        for (int segment = 0; segment < length; segment += Segment)
        {
            new Span<float>(a, 8).Clear();
            for (int i = segment; i < Math.Min(length, segment + Segment); i++)
            {
                a[i & 7] += x[i];
            }

            for (int j = 0; j < 8; j++)
            {
                total[j] = segment == 0 ? a[j] : total[j] + a[j];
            }
        }

        return Join(total);
    }

    /// <summary>LayerNorm: y_i = ((x_i − mean) · r) · g_i + b_i.</summary>
    public static void LayerNorm(float* x, float* gain, float* bias, float* y, int length, float epsilon)
    {
        float mean = Sum(x, length) / length;
        for (int i = 0; i < length; i++)
        {
            y[i] = x[i] - mean;
        }

        float r = 1 / MathF.Sqrt((Dot(y, y, length) / length) + epsilon);
        for (int i = 0; i < length; i++)
        {
            float normal = gain == null ? y[i] * r : y[i] * r * gain[i];
            y[i] = bias == null ? normal : normal + bias[i];
        }
    }

    /// <summary>Quantizes one block of 32 to 8-bit codes, and gives scale and half sums.</summary>
    public static float Quantize(float* x, sbyte* codes, short* sums)
    {
        float amax = 0;
        for (int i = 0; i < 32; i++)
        {
            amax = MathF.Max(amax, MathF.Abs(x[i]));
        }

        float r = 127 / amax;
        bool zero = amax == 0 || float.IsInfinity(r);
        int h0 = 0, h1 = 0;
        for (int i = 0; i < 32; i++)
        {
            int q = zero ? 0 : (int)MathF.Round(x[i] * r, MidpointRounding.ToEven);
            codes[i] = (sbyte)q;
            h0 += i < 16 ? q : 0;
            h1 += i < 16 ? 0 : q;
        }

        sums[0] = (short)h0;
        sums[1] = (short)h1;
        return zero ? 0 : amax / 127;
    }

    /// <summary>Writes columns of a row in all forms that the row carries; columns begin and end on blocks of 32 where there are blocks.</summary>
    public static void WriteForms(float* values, in ActivationView output, int row, int begin, int count)
    {
        ref readonly var layout = ref output.Layout;
        byte* start = output.Row(row);
        if (layout.Real >= 0)
        {
            new ReadOnlySpan<float>(values, count).CopyTo(new Span<float>((float*)(start + layout.Real) + begin, count));
        }

        if (!layout.HasBlocks)
        {
            return;
        }

        sbyte* codes = stackalloc sbyte[32];
        for (int i = 0; i < count; i += 32)
        {
            int block = (begin + i) / 32;
            ((float*)(start + layout.Scales))[block] = Quantize(values + i, codes, (short*)(start + layout.Sums) + (2 * block));
            for (int j = 0; j < 32; j++)
            {
                int column = begin + i + j;
                if (layout.Signed8 >= 0)
                {
                    ((sbyte*)(start + layout.Signed8))[column] = codes[j];
                }

                if (layout.Unsigned8 >= 0)
                {
                    (start + layout.Unsigned8)[column] = (byte)(codes[j] + 128);
                }

                if (layout.Signed16 >= 0)
                {
                    ((short*)(start + layout.Signed16))[column] = codes[j];
                }
            }
        }
    }
}
