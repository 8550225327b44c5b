using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LlmServe.Execution;
using LlmServe.Execution.Numerics;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Reference;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Row kernels with eight f32 a vector (AVX2 and FMA, or NEON by twos); the attention of single rows in vectors of <typeparamref name="TWidth"/>.</summary>
internal unsafe struct SimdRows<TWidth> : IRowKernels<SimdRows<TWidth>>
    where TWidth : struct, IAttentionWidth
{
    public static bool HasVectors => true;

    public static void RmsNorm(float* x, float* gain, float* y, int length, float epsilon)
    {
        float r = 1 / MathF.Sqrt((VectorMath.Dot(x, x, length) / length) + epsilon);
        if (gain == null)
        {
            Scale(x, r, y, length);
            return;
        }

        var factor = Vector256.Create(r);
        int i = 0;
        for (; i <= length - 8; i += 8)
        {
            (Vector256.Load(x + i) * factor * Vector256.Load(gain + i)).Store(y + i);
        }

        for (; i < length; i++)
        {
            y[i] = x[i] * r * gain[i];
        }
    }

    public static void LayerNorm(float* x, float* gain, float* bias, float* y, int length, float epsilon)
    {
        float mean = VectorMath.Sum(x, length) / length;
        var eight = Vector256.Create(mean);
        int i = 0;
        for (; i <= length - 8; i += 8)
        {
            (Vector256.Load(x + i) - eight).Store(y + i);
        }

        for (; i < length; i++)
        {
            y[i] = x[i] - mean;
        }

        float r = 1 / MathF.Sqrt((VectorMath.Dot(y, y, length) / length) + epsilon);
        eight = Vector256.Create(r);
        for (i = 0; i <= length - 8; i += 8)
        {
            var normal = Vector256.Load(y + i) * eight;
            normal = gain == null ? normal : normal * Vector256.Load(gain + i);
            (bias == null ? normal : normal + Vector256.Load(bias + i)).Store(y + i);
        }

        for (; i < length; i++)
        {
            float normal = gain == null ? y[i] * r : y[i] * r * gain[i];
            y[i] = bias == null ? normal : normal + bias[i];
        }
    }

    public static void Scale(float* x, float factor, float* y, int length)
    {
        var eight = Vector256.Create(factor);
        int i = 0;
        for (; i <= length - 8; i += 8)
        {
            (Vector256.Load(x + i) * eight).Store(y + i);
        }

        for (; i < length; i++)
        {
            y[i] = x[i] * factor;
        }
    }

    public static void WriteForms(float* values, in ActivationView output, int row, int begin, int count)
    {
        ref readonly var layout = ref output.Layout;
        byte* start = output.Row(row);
        if (layout.Real >= 0)
        {
            new ReadOnlySpan<float>(values, count).CopyTo(new Span<float>((float*)(start + layout.Real) + begin, count));
        }

        if (layout.HasBlocks)
        {
            for (int i = 0; i < count; i += 32)
            {
                QuantizeBlock(values + i, start, layout, begin + i);
            }
        }

        WriteSums(values, start + layout.RealSums16, layout.RealSums16 >= 0, 16, begin, count);
        WriteSums(values, start + layout.RealSums32, layout.RealSums32 >= 0, 32, begin, count);
    }

    public static void Add(float* y, float* x, int length)
    {
        int i = 0;
        for (; i <= length - 8; i += 8)
        {
            (Vector256.Load(y + i) + Vector256.Load(x + i)).Store(y + i);
        }

        for (; i < length; i++)
        {
            y[i] += x[i];
        }
    }

    public static void RotateHalves(float* x, float* cosines, float* sines, int pairs)
    {
        float* upper = x + pairs;
        int i = 0;
        for (; i <= pairs - 8; i += 8)
        {
            Vector256<float> x0 = Vector256.Load(x + i), x1 = Vector256.Load(upper + i), c = Vector256.Load(cosines + i), s = Vector256.Load(sines + i);
            Vector256.FusedMultiplyAdd(x0, c, -(x1 * s)).Store(x + i);
            Vector256.FusedMultiplyAdd(x0, s, x1 * c).Store(upper + i);
        }

        for (; i < pairs; i++)
        {
            float x0 = x[i], x1 = upper[i];
            x[i] = MathF.FusedMultiplyAdd(x0, cosines[i], -(x1 * sines[i]));
            upper[i] = MathF.FusedMultiplyAdd(x0, sines[i], x1 * cosines[i]);
        }
    }

    public static void RotateNeighbours(float* x, float* cosines, float* sines, int pairs)
    {
        var signs = Vector128.Create(int.MinValue, 0, int.MinValue, 0);
        int i = 0;
        for (; i <= pairs - 2; i += 2)
        {
            var both = Vector128.Load(x + (2 * i));
            var angles = Vector128.Create(Vector64.Load(cosines + i), Vector64.Load(sines + i));
            var products = Vector128.Shuffle(both, Vector128.Create(1, 1, 3, 3)) * Vector128.Shuffle(angles, Vector128.Create(2, 0, 3, 1));
            Vector128.FusedMultiplyAdd(
                Vector128.Shuffle(both, Vector128.Create(0, 0, 2, 2)),
                Vector128.Shuffle(angles, Vector128.Create(0, 2, 1, 3)),
                (products.AsInt32() ^ signs).AsSingle()).Store(x + (2 * i));
        }

        if (i < pairs)
        {
            ReferenceRows.RotateNeighbours(x + (2 * i), cosines + i, sines + i, 1);
        }
    }

    public static void StoreCache(float* values, byte* panel, int position, int first, int length, in PanelLayout layout)
    {
        byte* row = layout.Row(panel, position);
        switch (layout.Element)
        {
            case KvElement.F32:
                new ReadOnlySpan<float>(values, length).CopyTo(new Span<float>((float*)row + first, length));
                break;
            case KvElement.Q8_0:
                for (int i = 0; i < length; i += KvBlock.ScaledRun)
                {
                    StoreRun(values + i, row + first + i, (ushort*)layout.Scales(panel, position) + ((first + i) / KvBlock.ScaledRun));
                }

                break;
            case KvElement.F16 when layout.IsInterleaved && first % 16 == 0 && length % 16 == 0:
                for (int i = 0; i < length; i += 16)
                {
                    var low = VectorMath.ToHalves(Vector256.Load(values + i));
                    var high = VectorMath.ToHalves(Vector256.Load(values + i + 8));
                    (low | (high << 16)).Store((int*)(row + (2 * (first + i))));
                }

                break;
            default:
                ReferenceRows.StoreCache(values, panel, position, first, length, layout);
                break;
        }
    }

    /// <summary>Quantizes elements that share a scale. [32]</summary>
    private static void StoreRun(float* values, byte* codes, ushort* scale)
    {
        var x0 = Vector256.Load(values);
        var x1 = Vector256.Load(values + 8);
        var x2 = Vector256.Load(values + 16);
        var x3 = Vector256.Load(values + 24);
        float largest = Largest(x0, x1, x2, x3);
        float r = 127 / largest;
        var factor = Vector256.Create(largest == 0 || float.IsInfinity(r) ? 0 : r);
        *scale = (ushort)VectorMath.ToHalves(Vector256.Create(largest / 127)).ToScalar();
        var words0 = Vector256.Narrow(VectorMath.Round(x0 * factor), VectorMath.Round(x1 * factor));
        var words1 = Vector256.Narrow(VectorMath.Round(x2 * factor), VectorMath.Round(x3 * factor));
        Vector256.Narrow(words0, words1).AsByte().Store(codes);
    }

    /// <summary>The largest magnitude of 32 numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(Vector256<float> x0, Vector256<float> x1, Vector256<float> x2, Vector256<float> x3)
    {
        var eight = VectorMath.Max(VectorMath.Max(Vector256.Abs(x0), Vector256.Abs(x1)), VectorMath.Max(Vector256.Abs(x2), Vector256.Abs(x3)));
        var four = VectorMath.Max(eight.GetLower(), eight.GetUpper());
        four = VectorMath.Max(four, VectorMath.UpperTwo(four));
        return Math.Max(four.ToScalar(), four.GetElement(1));
    }

    public static int TileRows(LayerAttention* layer) => AttentionParts.CanHandle(layer->Cache) ? AttentionTile.Rows : 0;

    public static float* AttendTile(LaneState* lane, LayerAttention* layer, ActivationView* query, int firstRow, int rows, int queryHead, int heads) =>
        AttentionTile.Run(layer, lane->Tick, query, firstRow, rows, queryHead, heads, (float*)lane->Scratch);

    public static void AttendSegment(LayerAttention* layer, TickState* tick, float* query, int row, int keyHead, int heads, int segment, float* o, float* stats)
    {
        if (AttentionParts.CanHandle(layer->Cache))
        {
            SimdAttention.Segment<TWidth>(layer, tick, query, row, keyHead, heads, segment, o, stats);
        }
        else
        {
            ReferenceRows.AttendSegment(layer, tick, query, row, keyHead, heads, segment, o, stats);
        }
    }

    public static void JoinSegment(float* whole, float* wholeStats, float* o, float* stats, int size)
    {
        if (size % 8 != 0)
        {
            ReferenceRows.JoinSegment(whole, wholeStats, o, stats, size);
            return;
        }

        float m = wholeStats[0] > stats[0] ? wholeStats[0] : stats[0];
        float left = NumericsMath.Exp(wholeStats[0] - m), right = NumericsMath.Exp(stats[0] - m);
        wholeStats[1] = MathF.FusedMultiplyAdd(wholeStats[1], left, stats[1] * right);
        wholeStats[0] = m;
        AttentionParts.JoinSegment(whole, left, o, right, size);
    }

    public static void Divide(float* o, float l, int size)
    {
        if (size % 8 != 0)
        {
            ReferenceRows.Divide(o, l, size);
            return;
        }

        AttentionParts.Divide(o, l, size);
    }

    private static void QuantizeBlock(float* x, byte* start, in ActivationLayout layout, int column)
    {
        var x0 = Vector256.Load(x);
        var x1 = Vector256.Load(x + 8);
        var x2 = Vector256.Load(x + 16);
        var x3 = Vector256.Load(x + 24);
        float amax = Largest(x0, x1, x2, x3);
        float r = 127 / amax;
        bool zero = amax == 0 || float.IsInfinity(r);
        int block = column / 32;
        ((float*)(start + layout.Scales))[block] = zero ? 0 : amax / 127;
        var factor = Vector256.Create(zero ? 0 : r);
        var q0 = VectorMath.Round(x0 * factor);
        var q1 = VectorMath.Round(x1 * factor);
        var q2 = VectorMath.Round(x2 * factor);
        var q3 = VectorMath.Round(x3 * factor);
        StoreCodes(q0, q1, q2, q3, start, layout, column);
        int low = Vector256.Sum(q0 + q1), high = Vector256.Sum(q2 + q3);
        ((int*)(start + layout.Sums))[block] = (low & 0xffff) | (high << 16);
    }

    private static void StoreCodes(Vector256<int> q0, Vector256<int> q1, Vector256<int> q2, Vector256<int> q3, byte* start, in ActivationLayout layout, int column)
    {
        if (!Avx2.IsSupported)
        {
            StoreNarrowed(Vector256.Narrow(q0, q1), Vector256.Narrow(q2, q3), start, layout, column);
            return;
        }

        // Packing works within 128 bits; the permutations put the order right again.
        var words0 = Avx2.Permute4x64(Avx2.PackSignedSaturate(q0, q1).AsInt64(), 0b11_01_10_00).AsInt16();
        var words1 = Avx2.Permute4x64(Avx2.PackSignedSaturate(q2, q3).AsInt64(), 0b11_01_10_00).AsInt16();
        if (layout.Signed16 >= 0)
        {
            // Within each four: 0, 2, 1, 3.
            var order = Vector256.Create((byte)0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15, 0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
            short* target = (short*)(start + layout.Signed16) + column;
            Avx2.Shuffle(words0.AsByte(), order).AsInt16().Store(target);
            Avx2.Shuffle(words1.AsByte(), order).AsInt16().Store(target + 16);
        }

        var bytes = Avx2.Permute4x64(Avx2.PackSignedSaturate(words0, words1).AsInt64(), 0b11_01_10_00).AsByte();
        if (layout.Signed8 >= 0)
        {
            bytes.Store(start + layout.Signed8 + column);
        }

        if (layout.Unsigned8 >= 0)
        {
            (bytes ^ Vector256.Create((byte)0x80)).Store(start + layout.Unsigned8 + column);
        }
    }

    /// <summary>The same without AVX2.</summary>
    private static void StoreNarrowed(Vector256<short> words0, Vector256<short> words1, byte* start, in ActivationLayout layout, int column)
    {
        for (int i = 0; layout.Signed16 >= 0 && i < 32; i++)
        {
            // Within each four: 0, 2, 1, 3.
            int place = (i & ~3) | ((i & 1) << 1) | ((i >> 1) & 1);
            ((short*)(start + layout.Signed16))[column + place] = (i < 16 ? words0 : words1).GetElement(i % 16);
        }

        var bytes = Vector256.Narrow(words0, words1).AsByte();
        if (layout.Signed8 >= 0)
        {
            bytes.Store(start + layout.Signed8 + column);
        }

        if (layout.Unsigned8 >= 0)
        {
            (bytes ^ Vector256.Create((byte)0x80)).Store(start + layout.Unsigned8 + column);
        }
    }

    /// <summary>Sums of consecutive values, each from +0 upwards in order.</summary>
    private static void WriteSums(float* values, byte* sums, bool present, int length, int begin, int count)
    {
        if (!present)
        {
            return;
        }

        float* target = (float*)sums + (begin / length);
        int i = 0;
        for (; i <= count - (4 * length); i += 4 * length)
        {
            // Each sum is a chain of additions; four advance together.
            float* at = values + i;
            float sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
            for (int k = 0; k < length; k++)
            {
                sum0 += at[k];
                sum1 += at[length + k];
                sum2 += at[(2 * length) + k];
                sum3 += at[(3 * length) + k];
            }

            target[0] = sum0;
            target[1] = sum1;
            target[2] = sum2;
            target[3] = sum3;
            target += 4;
        }

        for (; i < count; i += length)
        {
            float sum = 0;
            for (int k = i; k < i + length; k++)
            {
                sum += values[k];
            }

            *target++ = sum;
        }
    }
}
