using System.Runtime.CompilerServices;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>An attention segment of one row, for a few heads that share a key head.</summary>
internal unsafe struct SegmentJob
{
    public TickState* Tick;

    /// <summary>Queries times the cache's factor, eight elements of every head after each other. [size / 8][heads][8]</summary>
    public float* Query;

    /// <summary>Weighted values. [heads][size]</summary>
    public float* O;

    /// <summary>Largest score and sum. [heads][2]</summary>
    public float* Stats;

    /// <summary>Blocks of the row's sequence.</summary>
    public int* Table;

    public int Layer;
    public int KeyHead;

    /// <summary>First position of the segment, and the end of what the row sees of it.</summary>
    public int Start;
    public int End;
}

/// <summary>
/// The kernel of <see cref="SegmentJob"/>: block by block, scores from the keys, weights from the scores, and weighted values. A key or value is widened in
/// registers once for all heads. Blocks lie far apart in memory, so the next one is prefetched line by line while one is worked on.
/// </summary>
internal static unsafe class SegmentKernel<TElement, THeads>
    where TElement : struct, ICacheElement
    where THeads : struct, IHeadCount
{
    private const int Positions = AttentionParts.Positions;
    private const int HeadSums = KeyProducts<TElement, THeads>.HeadSums;

    [SkipLocalsInit]
    public static void Run(in SegmentJob job)
    {
        int size = job.Tick->Shape.HeadSize, rowBytes = size * TElement.Bytes;
        float* sums = stackalloc float[THeads.Heads * HeadSums];
        float* weights = stackalloc float[THeads.Heads * Positions];
        float* corrections = stackalloc float[THeads.Heads];
        int groups = size / 16;
        float* scales = stackalloc float[TElement.HasScales ? Positions * groups : 1];
        new Span<float>(job.O, THeads.Heads * size).Clear();
        for (int head = 0; head < THeads.Heads; head++)
        {
            job.Stats[2 * head] = float.NegativeInfinity;
            job.Stats[(2 * head) + 1] = 0;
        }

        for (int block = job.Start; block < job.End; block += Positions)
        {
            int count = Math.Min(job.End - block, Positions);
            byte* keys = job.Tick->Kv.Keys(job.Table[block / Positions], job.Layer, job.KeyHead);
            byte* values = keys + job.Tick->Kv.PanelBytes;
            nint ahead = (nint)(Next(job, block) - keys);
            CachePanel<TElement>.FindScales(job.Tick->Kv, keys, ahead, scales);
            for (int j = 0; j < count; j += 2)
            {
                byte* key = keys + (j * rowBytes);
                int apart = j + 1 < count ? 1 : 0;
                KeyProducts<TElement, THeads>.TwoKeys(key, apart * rowBytes, CachePanel<TElement>.Scale(scales, j * groups), apart * groups, ahead, job.Query, sums + (8 * j), size);
            }

            for (int head = 0; head < THeads.Heads; head++)
            {
                corrections[head] = BlockSoftmax.Weigh(
                    sums + (head * HeadSums), count, job.Tick->Shape.AttentionScale, TElement.Factor, job.Stats + (2 * head), weights + (head * Positions));
            }

            AddSums(weights, count, corrections, job.Stats);
            CachePanel<TElement>.FindScales(job.Tick->Kv, values, ahead, scales);
            WeightedValues<TElement, THeads>.Add(values, scales, ahead, count, weights, corrections, job.O, size);
        }
    }

    /// <summary>Where the lane probably reads next: the block after this one, or the next key head's first.</summary>
    private static byte* Next(in SegmentJob job, int block)
    {
        ref readonly var kv = ref job.Tick->Kv;
        return block + Positions < job.End
            ? kv.Keys(job.Table[(block / Positions) + 1], job.Layer, job.KeyHead)
            : kv.Keys(job.Table[job.Start / Positions], job.Layer, Math.Min(job.KeyHead + 1, kv.KeyHeads - 1));
    }

    /// <summary>l = l · c + Σ p: one chain of additions per head, in step, because each waits for itself.</summary>
    private static void AddSums(float* weights, int count, float* corrections, float* stats)
    {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (int j = 0; j < count; j++)
        {
            s0 += weights[j];
            s1 += THeads.Heads > 1 ? weights[Positions + j] : 0;
            s2 += THeads.Heads > 2 ? weights[(2 * Positions) + j] : 0;
            s3 += THeads.Heads > 3 ? weights[(3 * Positions) + j] : 0;
        }

        AddSum(stats, corrections[0], s0);
        if (THeads.Heads > 1)
        {
            AddSum(stats + 2, corrections[1], s1);
        }

        if (THeads.Heads > 2)
        {
            AddSum(stats + 4, corrections[2], s2);
        }

        if (THeads.Heads > 3)
        {
            AddSum(stats + 6, corrections[3], s3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSum(float* stats, float correction, float sum) =>
        stats[1] = MathF.FusedMultiplyAdd(stats[1], correction, sum * (1 / TElement.Factor));
}
