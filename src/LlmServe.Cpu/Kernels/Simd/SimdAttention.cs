using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Cpu.Execution;
using LlmServe.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>Attention segments of one row: chooses the kernel for the cache and the number of heads.</summary>
internal static unsafe class SimdAttention
{
    /// <summary>Below this, a query times 2^112 is finite and the product with a shifted key exact.</summary>
    private const float LargestQuery = 32768;

    /// <summary>Most heads handled at once.</summary>
    private const int MostHeads = 4;

    /// <summary>One segment for heads that share a key head: see <see cref="IRowKernels{TSelf}.AttendSegment"/>.</summary>
    [SkipLocalsInit]
    public static void Segment<TWidth>(LayerAttention* layer, TickState* tick, float* query, int row, int keyHead, int heads, int segment, float* o, float* stats)
        where TWidth : struct, IAttentionWidth
    {
        int size = layer->KeySize, position = tick->Positions[row];
        float* memory = stackalloc float[(MostHeads * size) + 16];
        float* scaled = (float*)(((nint)memory + 63) & ~63);
        for (int done = 0; done < heads;)
        {
            int together = Together(heads - done);
            var job = new SegmentJob
            {
                Layer = layer,
                Tick = tick,
                Query = scaled,
                O = o + (done * layer->ValueSize),
                Stats = stats + (2 * done),
                Table = layer->Cache.Table(tick->Slots[row]),
                Row = row,
                KeyHead = keyHead,
                Start = Math.Max(layer->Visibility.First(position), segment * AttentionParts.Segment),
                End = Math.Min(position + 1, (segment + 1) * AttentionParts.Segment),
            };
            float* q = query + (done * size);
            if (layer->Cache.Keys.Element == KvElement.F32)
            {
                _ = Arrange(q, scaled, together, size, PlainSingle.Factor);
                Run<TWidth, PlainSingle>(job, together);
            }
            else if (layer->Cache.Keys.Element == KvElement.Q8_0)
            {
                _ = Arrange(q, scaled, together, size, ScaledByte.Factor);
                Run<TWidth, ScaledByte>(job, together);
            }
            else if (Arrange(q, scaled, together, size, ShiftedHalf.Factor))
            {
                Run<TWidth, ShiftedHalf>(job, together);
            }
            else
            {
                _ = Arrange(q, scaled, together, size, WidenedHalf.Factor);
                Run<TWidth, WidenedHalf>(job, together);
            }

            done += together;
        }
    }

    /// <summary>How many of the heads that are left are handled together: as even parts as possible.</summary>
    private static int Together(int left) => left <= MostHeads ? left : left is 5 or 6 or 9 ? 3 : MostHeads;

    private static void Run<TWidth, TElement>(in SegmentJob job, int heads)
        where TWidth : struct, IAttentionWidth
        where TElement : struct, ICacheElement
    {
        switch (heads)
        {
            case 1:
                SegmentKernel<TWidth, TElement, OneHead>.Run(job);
                break;
            case 2:
                SegmentKernel<TWidth, TElement, TwoHeads>.Run(job);
                break;
            case 3:
                SegmentKernel<TWidth, TElement, ThreeHeads>.Run(job);
                break;
            default:
                SegmentKernel<TWidth, TElement, FourHeads>.Run(job);
                break;
        }
    }

    /// <summary>Queries times a factor, in the kernel's order; false where one is too large for the factor 2^112.</summary>
    private static bool Arrange(float* query, float* arranged, int heads, int size, float factor)
    {
        var f = Vector256.Create(factor);
        var most = Vector256.Create(LargestQuery);
        bool fits = true;
        for (int head = 0; head < heads; head++)
        {
            for (int i = 0; i < size; i += 8)
            {
                var q = Vector256.Load(query + (head * size) + i);
                fits &= Vector256.LessThanAll(Vector256.Abs(q), most);
                (q * f).Store(arranged + (i * heads) + (8 * head));
            }
        }

        return fits;
    }
}
