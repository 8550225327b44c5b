using System.Runtime.CompilerServices;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>An attention segment of one row, for a few heads that share a key head.</summary>
internal unsafe struct SegmentJob
{
    public LayerAttention* Layer;
    public TickState* Tick;

    /// <summary>Queries times the cache's factor, eight elements of every head after each other. [size / 8][heads][8]</summary>
    public float* Query;

    /// <summary>Weighted values. [heads][size]</summary>
    public float* O;

    /// <summary>Largest score and sum. [heads][2]</summary>
    public float* Stats;

    /// <summary>Blocks of the row's sequence.</summary>
    public int* Table;

    public int Row;
    public int KeyHead;

    /// <summary>First position that the row sees of the segment, and the end of those.</summary>
    public int Start;
    public int End;
}

/// <summary>
/// The kernel of <see cref="SegmentJob"/>: block by block, scores from the keys, weights from the scores, and weighted values. A key or value is widened in
/// registers once for all heads. Blocks lie far apart in memory, so the next one is prefetched line by line while one is worked on.
/// </summary>
internal static unsafe class SegmentKernel<TWidth, TElement, THeads>
    where TWidth : struct, IAttentionWidth
    where TElement : struct, ICacheElement
    where THeads : struct, IHeadCount
{
    private const int Positions = AttentionParts.Positions;
    private const int HeadSums = KeyProducts<TElement, THeads>.HeadSums;

    /// <summary>Most heads of an <see cref="IHeadCount"/>: as many corrections stand in a vector.</summary>
    private const int MostHeads = 4;

    [SkipLocalsInit]
    public static void Run(in SegmentJob job)
    {
        ref readonly var cache = ref job.Layer->Cache;
        int keySize = cache.Keys.Size, valueSize = cache.Values.Size, stride = cache.Values.Stride;
        float* memory = stackalloc float[(THeads.Heads * (HeadSums + Positions)) + 16];
        float* sums = (float*)(((nint)memory + 63) & ~63); // 64 bytes that vectors do not straddle
        float* weights = sums + (THeads.Heads * HeadSums);
        float* corrections = stackalloc float[MostHeads];
        float* scales = stackalloc float[TElement.HasScales ? Positions * Math.Max(cache.Keys.Stride, stride) / 16 : 1];
        new Span<float>(job.O, THeads.Heads * valueSize).Clear();
        for (int head = 0; head < THeads.Heads; head++)
        {
            job.Stats[2 * head] = float.NegativeInfinity;
            job.Stats[(2 * head) + 1] = 0;
        }

        byte* first = cache.KeysOf(0, job.KeyHead);
        bool isPlain = job.Layer->HasPlainScores;
        for (int block = job.Start & -Positions; block < job.End; block += Positions)
        {
            int count = Math.Min(job.End - block, Positions), unseen = Math.Max(job.Start - block, 0);
            byte* keys = first + (job.Table[block / Positions] * cache.BlockBytes);
            byte* values = keys + cache.ValuesOffset;
            var ahead = Ahead(job, block, keys);
            CachePanel<TElement>.FindScales(cache.Keys, keys, ahead.Distance, scales);
            MultiplyKeys(keys, count, scales, ahead, job.Query, sums, keySize);
            if (isPlain && unseen == 0)
            {
                TWidth.Weigh<THeads>(sums, count, job.Layer->Scale, TElement.Factor, job.Stats, weights, corrections);
            }
            else
            {
                WeighGeneral(job, sums, unseen, count, weights, corrections);
            }

            CachePanel<TElement>.FindScales(cache.Values, values, ahead.Distance, scales);
            TWidth.AddValues<TElement, THeads>(
                values + (unseen * stride * TElement.Bytes), count - unseen, CachePanel<TElement>.Scale(scales, unseen * stride / 16), ahead, weights + unseen, corrections,
                job.O, job.Stats, valueSize, stride);
            FetchRest(keys + ahead.Distance, count, ahead.Rows, keySize * TElement.Bytes, cache.ValuesOffset, stride * TElement.Bytes);
        }
    }

    /// <summary>Weights where scores are more than scaled products, or where positions of the block do not count.</summary>
    private static void WeighGeneral(in SegmentJob job, float* sums, int unseen, int count, float* weights, float* corrections)
    {
        for (int head = 0; head < THeads.Heads; head++)
        {
            corrections[head] = BlockSoftmax.WeighGeneral(
                sums + (head * HeadSums), unseen, count, job.Layer->Scale, job.Layer->SoftCap, TElement.Factor, job.Stats + (2 * head), weights + (head * Positions));
        }
    }

    /// <summary>Products of the keys of a panel and the queries of each head. sums: [heads][32][8]</summary>
    private static void MultiplyKeys(byte* keys, int count, float* scales, in PanelAhead ahead, float* query, float* sums, int size)
    {
        int rowBytes = size * TElement.Bytes, groups = size / 16, lastAhead = (ahead.Rows - 1) & ~1;
        for (int j = 0; j < count; j += 2)
        {
            int apart = j + 1 < count ? 1 : 0;
            nint fetch = ahead.Distance - (Math.Max(j - lastAhead, 0) * rowBytes);
            KeyProducts<TElement, THeads>.TwoKeys(
                keys + (j * rowBytes), apart * rowBytes, CachePanel<TElement>.Scale(scales, j * groups), apart * groups, fetch, query, sums + (8 * j), size);
        }
    }

    /// <summary>Where the lane probably reads next: the row's next block, else the first one of the next key head or the next row.</summary>
    private static PanelAhead Ahead(in SegmentJob job, int block, byte* keys)
    {
        ref readonly var cache = ref job.Layer->Cache;
        int next = block + Positions, seen = job.Tick->Positions[job.Row] + 1;
        if (next < seen)
        {
            return new PanelAhead((nint)((job.Table[next / Positions] - job.Table[block / Positions]) * cache.BlockBytes), Math.Min(seen - next, Positions));
        }

        int keyHead = job.KeyHead + 1, row = job.Row;
        if (keyHead == cache.KeyHeads)
        {
            keyHead = 0;
            row = Math.Min(row + 1, job.Tick->Rows - 1);
        }

        int position = job.Tick->Positions[row], from = job.Layer->Visibility.First(position) & -Positions;
        int first = cache.Table(job.Tick->Slots[row])[from / Positions];
        return new PanelAhead((nint)(cache.KeysOf(first, keyHead) - keys), Math.Min(position + 1 - from, Positions));
    }

    /// <summary>Prefetches what a shorter block had no occasion for.</summary>
    private static void FetchRest(byte* keys, int count, int rows, int keyBytes, int valuesOffset, int valueBytes)
    {
        Prefetch.Lines(keys + (count * keyBytes), (rows - count) * keyBytes);
        if (valuesOffset > 0)
        {
            Prefetch.Lines(keys + valuesOffset + (count * valueBytes), (rows - count) * valueBytes);
        }
    }
}
