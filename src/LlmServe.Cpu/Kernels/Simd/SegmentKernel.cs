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

    public int Row;
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
        int size = job.Tick->Shape.HeadSize, panelBytes = job.Tick->Kv.PanelBytes;
        float* memory = stackalloc float[(THeads.Heads * (HeadSums + Positions)) + 16];
        float* sums = (float*)(((nint)memory + 63) & ~63); // 64 bytes that vectors do not straddle
        float* weights = sums + (THeads.Heads * HeadSums);
        float* corrections = stackalloc float[MostHeads];
        int groups = size / 16;
        float* scales = stackalloc float[TElement.HasScales ? Positions * groups : 1];
        new Span<float>(job.O, THeads.Heads * size).Clear();
        for (int head = 0; head < THeads.Heads; head++)
        {
            job.Stats[2 * head] = float.NegativeInfinity;
            job.Stats[(2 * head) + 1] = 0;
        }

        byte* first = job.Tick->Kv.Keys(0, job.Layer, job.KeyHead);
        long blockBytes = job.Tick->Kv.BlockBytes;
        for (int block = job.Start; block < job.End; block += Positions)
        {
            int count = Math.Min(job.End - block, Positions);
            byte* keys = first + (job.Table[block / Positions] * blockBytes);
            byte* values = keys + panelBytes;
            var ahead = Ahead(job, block, keys);
            CachePanel<TElement>.FindScales(job.Tick->Kv, keys, ahead.Distance, scales);
            MultiplyKeys(keys, count, scales, ahead, job.Query, sums, size);
            TWidth.Weigh<THeads>(sums, count, job.Tick->Shape.AttentionScale, TElement.Factor, job.Stats, weights, corrections);
            CachePanel<TElement>.FindScales(job.Tick->Kv, values, ahead.Distance, scales);
            TWidth.AddValues<TElement, THeads>(values, count, scales, ahead, weights, corrections, job.O, job.Stats, size);
            FetchRest(keys + ahead.Distance, count, ahead.Rows, size * TElement.Bytes, panelBytes);
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
        ref readonly var kv = ref job.Tick->Kv;
        int next = block + Positions, seen = job.Tick->Positions[job.Row] + 1;
        if (next < seen)
        {
            return new PanelAhead((nint)((job.Table[next / Positions] - job.Table[block / Positions]) * kv.BlockBytes), Math.Min(seen - next, Positions));
        }

        int keyHead = job.KeyHead + 1, row = job.Row;
        if (keyHead == kv.KeyHeads)
        {
            keyHead = 0;
            row = Math.Min(row + 1, job.Tick->Rows - 1);
        }

        int first = job.Tick->BlockTables[(nint)job.Tick->Slots[row] * job.Tick->BlocksPerSlot];
        return new PanelAhead((nint)(kv.Keys(first, job.Layer, keyHead) - keys), Math.Min(job.Tick->Positions[row] + 1, Positions));
    }

    /// <summary>Prefetches what a shorter block had no occasion for.</summary>
    private static void FetchRest(byte* keys, int count, int rows, int rowBytes, int panelBytes)
    {
        int bytes = (rows - count) * rowBytes;
        Prefetch.Lines(keys + (count * rowBytes), bytes);
        Prefetch.Lines(keys + panelBytes + (count * rowBytes), bytes);
    }
}
