using LlmServe.Execution;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Reference;

/// <summary>The scalar row kernels: what every other instruction set is compared with.</summary>
internal unsafe struct ReferenceRows : IRowKernels<ReferenceRows>
{
    public static bool HasVectors => false;

    public static void RmsNorm(float* x, float* gain, float* y, int length, float epsilon) => ReferenceVector.RmsNorm(x, gain, y, length, epsilon);

    public static void LayerNorm(float* x, float* gain, float* bias, float* y, int length, float epsilon) =>
        ReferenceVector.LayerNorm(x, gain, bias, y, length, epsilon);

    public static void Scale(float* x, float factor, float* y, int length)
    {
        for (int i = 0; i < length; i++)
        {
            y[i] = x[i] * factor;
        }
    }

    public static void WriteForms(float* values, in ActivationView output, int row, int begin, int count) =>
        ReferenceVector.WriteForms(values, output, row, begin, count);

    public static void Add(float* y, float* x, int length)
    {
        for (int i = 0; i < length; i++)
        {
            y[i] += x[i];
        }
    }

    public static void RotateHalves(float* x, float* cosines, float* sines, int pairs)
    {
        for (int i = 0; i < pairs; i++)
        {
            Rotate(x + i, x + pairs + i, cosines[i], sines[i]);
        }
    }

    public static void RotateNeighbours(float* x, float* cosines, float* sines, int pairs)
    {
        for (int i = 0; i < pairs; i++)
        {
            Rotate(x + (2 * i), x + (2 * i) + 1, cosines[i], sines[i]);
        }
    }

    public static void StoreCache(float* values, byte* panel, int position, int first, int length, in PanelLayout layout)
    {
        if (layout.Element == KvElement.Q8_0)
        {
            for (int i = 0; i < length; i += KvBlock.ScaledRun)
            {
                StoreRun(values + i, (sbyte*)layout.Row(panel, position) + first + i, layout.Scales(panel, position) + ((first + i) / KvBlock.ScaledRun));
            }

            return;
        }

        byte* row = layout.Row(panel, position);
        for (int i = 0; i < length; i++)
        {
            int index = layout.IndexOf(first + i);
            if (layout.Element == KvElement.F16)
            {
                ((Half*)row)[index] = (Half)values[i];
            }
            else
            {
                ((float*)row)[index] = values[i];
            }
        }
    }

    /// <summary>Quantizes elements that share a scale: docs/numerics.md, "KV cache". [32]</summary>
    private static void StoreRun(float* values, sbyte* codes, Half* scale)
    {
        float largest = 0;
        for (int i = 0; i < KvBlock.ScaledRun; i++)
        {
            largest = Math.Abs(values[i]) > largest ? Math.Abs(values[i]) : largest;
        }

        float r = largest == 0 || float.IsInfinity(127 / largest) ? 0 : 127 / largest;
        *scale = (Half)(largest / 127);
        for (int i = 0; i < KvBlock.ScaledRun; i++)
        {
            codes[i] = (sbyte)MathF.Round(values[i] * r, MidpointRounding.ToEven);
        }
    }

    public static int TileRows(LayerAttention* layer) => 0;

    public static float* AttendTile(LaneState* lane, LayerAttention* layer, ActivationView* query, int firstRow, int rows, int queryHead, int heads) =>
        throw new NotSupportedException("the scalar kernels handle attention row by row");

    public static void AttendSegment(LayerAttention* layer, TickState* tick, float* query, int row, int keyHead, int heads, int segment, float* o, float* stats)
    {
        for (int head = 0; head < heads; head++)
        {
            ReferenceAttention.Segment(layer, tick, query + (head * layer->KeySize), row, keyHead, segment, o + (head * layer->ValueSize), stats + (2 * head));
        }
    }

    public static void JoinSegment(float* whole, float* wholeStats, float* o, float* stats, int size) => ReferenceAttention.Join(whole, wholeStats, o, stats, size);

    public static void Divide(float* o, float l, int size)
    {
        for (int i = 0; i < size; i++)
        {
            o[i] /= l;
        }
    }

    private static void Rotate(float* first, float* second, float cosine, float sine)
    {
        float x0 = *first, x1 = *second;
        *first = MathF.FusedMultiplyAdd(x0, cosine, -(x1 * sine));
        *second = MathF.FusedMultiplyAdd(x0, sine, x1 * cosine);
    }
}
