using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;
using LlmServe.Compiler.Operations;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Attention of consecutive positions of one sequence (a prompt chunk): up to 16 rows for heads that share a key head. Keys and values of a block are
/// widened once for all of them; scores are computed eight rows at a time, one key against eight queries.
/// </summary>
internal static unsafe class AttentionTile
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 16;

    /// <summary>Most heads of a tile: keys and values are widened again for more.</summary>
    public const int MostHeads = 16;

    private const int Positions = AttentionParts.Positions;
    private const int Eight = 8;

    /// <summary>Running state and operands of eight queries: eight consecutive rows of one head.</summary>
    private struct Queries
    {
        /// <summary>[8][key size]</summary>
        public float* Q;

        /// <summary>Result over the segments so far, and the running one. [8][value size]</summary>
        public float* Whole;
        public float* O;

        /// <summary>Largest score and sum: of the segments so far, then of the running one. [4][8]</summary>
        public float* Stats;

        /// <summary>Position of the first query; the others follow.</summary>
        public int First;

        /// <summary>Queries that exist.</summary>
        public int Count;
    }

    /// <summary>Floats of scratch for a tile.</summary>
    public static int ScratchFloats(AttentionShape shape) =>
        (Positions * (shape.KeySize + shape.ValueSize))
        + (Rows / Eight * Math.Min(shape.HeadsPerKeyHead, MostHeads) * ((Eight * (shape.KeySize + (2 * shape.ValueSize))) + (4 * Eight))) + (Positions * Eight) + 64;

    /// <summary>
    /// Attention of rows [first, first + count) for some of the query heads of a key head. <paramref name="scratch"/> has <see cref="ScratchFloats"/> floats; the
    /// result of head h (of those) and row r stands at the returned address + ((h · 16) + r) · value size.
    /// </summary>
    /// <param name="layer">The layer.</param>
    /// <param name="tick">The tick.</param>
    /// <param name="query">Rows of queries.</param>
    /// <param name="first">First row.</param>
    /// <param name="count">Rows, at consecutive positions of a sequence.</param>
    /// <param name="queryHead">First query head of the row.</param>
    /// <param name="heads">Query heads, at most <see cref="MostHeads"/>.</param>
    /// <param name="scratch">Memory.</param>
    public static float* Run(LayerAttention* layer, TickState* tick, ActivationView* query, int first, int count, int queryHead, int heads, float* scratch)
    {
        int keySize = layer->KeySize, valueSize = layer->ValueSize, keyHead = queryHead / layer->HeadsPerKeyHead;
        int groups = heads * (Rows / Eight);
        float* keys = scratch;
        float* values = keys + (Positions * keySize);
        float* scores = values + (Positions * valueSize);
        float* stats = scores + (Positions * Eight);
        float* whole = stats + (groups * 4 * Eight);
        float* o = whole + (groups * Eight * valueSize);
        float* q = o + (groups * Eight * valueSize);
        var all = stackalloc Queries[groups];
        for (int group = 0; group < groups; group++)
        {
            int row = first + (group % (Rows / Eight) * Eight);
            all[group] = new Queries
            {
                Q = q + (group * Eight * keySize),
                Whole = whole + (group * Eight * valueSize),
                O = o + (group * Eight * valueSize),
                Stats = stats + (group * 4 * Eight),
                First = tick->Positions[first] + row - first,
                Count = Math.Clamp(first + count - row, 0, Eight),
            };
            Gather(query, row, all[group].Count, (queryHead + (group / (Rows / Eight))) * keySize, keySize, all[group].Q);
        }

        int seen = layer->Visibility.First(tick->Positions[first]), last = tick->Positions[first] + count - 1;
        int* table = layer->Cache.Table(tick->Slots[first]);
        bool isPlain = layer->HasPlainScores && layer->Visibility.IsAll;
        for (int start = seen / AttentionParts.Segment * AttentionParts.Segment; start <= last; start += AttentionParts.Segment)
        {
            Begin(all, groups, valueSize);
            for (int block = Math.Max(start, seen & -Positions); block <= last && block < start + AttentionParts.Segment; block += Positions)
            {
                byte* panel = layer->Cache.KeysOf(table[block / Positions], keyHead);
                int filled = Math.Min(last + 1 - block, Positions);
                float* k = AttentionParts.Widen(layer->Cache.Keys, panel, filled, keys);
                float* v = layer->Cache.ValuesOffset == 0 ? k : AttentionParts.Widen(layer->Cache.Values, panel + layer->Cache.ValuesOffset, filled, values);
                for (int group = 0; group < groups; group++)
                {
                    if (isPlain)
                    {
                        Block(ref all[group], block, k, v, keySize, valueSize, layer->Cache.Values.Stride, layer->Scale, scores);
                    }
                    else
                    {
                        BlockGeneral(ref all[group], layer, block, k, v, scores);
                    }
                }
            }

            for (int group = 0; group < groups; group++)
            {
                End(ref all[group], layer, start, valueSize);
            }
        }

        for (int group = 0; group < groups; group++)
        {
            for (int i = 0; i < all[group].Count; i++)
            {
                float* result = all[group].Whole + (i * valueSize);
                if (layer->Sinks != null)
                {
                    JoinSink(result, all[group].Stats, i, layer->Sinks[queryHead + (group / (Rows / Eight))], valueSize);
                }

                AttentionParts.Divide(result, all[group].Stats[Eight + i], valueSize);
            }
        }

        return whole;
    }

    private static void JoinSink(float* result, float* stats, int query, float sink, int size)
    {
        float* own = stackalloc float[2] { stats[query], stats[Eight + query] };
        AttentionEnd.JoinSink(result, own, sink, size);
        stats[Eight + query] = own[1];
    }

    private static void Gather(ActivationView* query, int row, int count, int column, int size, float* target)
    {
        for (int i = 0; i < Eight; i++)
        {
            var to = new Span<float>(target + (i * size), size);
            if (i < count)
            {
                new ReadOnlySpan<float>(query->Real(row + i) + column, size).CopyTo(to);
            }
            else
            {
                to.Clear();
            }
        }
    }

    private static void Begin(Queries* all, int groups, int size)
    {
        for (int group = 0; group < groups; group++)
        {
            Vector256.Create(float.NegativeInfinity).Store(all[group].Stats + (2 * Eight));
            Vector256<float>.Zero.Store(all[group].Stats + (3 * Eight));
            new Span<float>(all[group].O, Eight * size).Clear();
        }
    }

    /// <summary>One block of keys and values against eight queries.</summary>
    private static void Block(ref Queries state, int block, float* keys, float* values, int keySize, int valueSize, int stride, float scale, float* scores)
    {
        int lastPosition = state.First + state.Count - 1;
        if (state.Count == 0 || block > lastPosition)
        {
            return;
        }

        int count = Math.Min(lastPosition + 1 - block, Positions);
        var limits = Vector256.Create(state.First - block) + Vector256<int>.Indices;
        var scaleVector = Vector256.Create(scale);
        var largest = Vector256.Create(float.NegativeInfinity);
        for (int j = 0; j < count; j++)
        {
            var s = Scores(state.Q, keys + (j * keySize), keySize) * scaleVector;
            s = Vector256.ConditionalSelect(Vector256.GreaterThan(Vector256.Create(j), limits).AsSingle(), Vector256.Create(float.NegativeInfinity), s);
            s.Store(scores + (j * Eight));
            largest = VectorMath.Max(s, largest);
        }

        // Queries before this block do not enter it: their state stays.
        var entered = Vector256.GreaterThanOrEqual(limits, Vector256<int>.Zero).AsSingle();
        float* stats = state.Stats + (2 * Eight);
        var m = Vector256.Load(stats);
        var next = VectorMath.Max(largest, m);
        var c = NumericsMath.Exp(m - next);
        var sum = Vector256<float>.Zero;
        for (int j = 0; j < count; j++)
        {
            var p = NumericsMath.Exp(Vector256.Load(scores + (j * Eight)) - next);
            p.Store(scores + (j * Eight));
            sum += p;
        }

        var l = Vector256.Load(stats + Eight);
        Vector256.ConditionalSelect(entered, next, m).Store(stats);
        Vector256.ConditionalSelect(entered, Vector256.FusedMultiplyAdd(l, c, sum), l).Store(stats + Eight);
        float* corrections = stackalloc float[Eight];
        c.Store(corrections);
        for (int i = 0; i < state.Count; i++)
        {
            int own = Math.Min(state.First + i + 1 - block, Positions);
            if (own > 0)
            {
                Weigh(scores + i, values, own, valueSize, stride, corrections[i], state.O + (i * valueSize));
            }
        }
    }

    /// <summary>The same where scores are capped or rows do not see all positions before them.</summary>
    private static void BlockGeneral(ref Queries state, LayerAttention* layer, int block, float* keys, float* values, float* scores)
    {
        int lastPosition = state.First + state.Count - 1, keySize = layer->KeySize, stride = layer->Cache.Values.Stride;
        if (state.Count == 0 || block > lastPosition)
        {
            return;
        }

        int count = Math.Min(lastPosition + 1 - block, Positions);
        int* firsts = stackalloc int[Eight];
        for (int i = 0; i < Eight; i++)
        {
            firsts[i] = layer->Visibility.First(state.First + i) - block;
        }

        var lows = Vector256.Load(firsts);
        var limits = Vector256.Create(state.First - block) + Vector256<int>.Indices;
        var largest = Vector256.Create(float.NegativeInfinity);
        for (int j = 0; j < count; j++)
        {
            var s = Scores(state.Q, keys + (j * keySize), keySize) * Vector256.Create(layer->Scale);
            s = layer->SoftCap == 0 ? s : NumericsMath.SoftCap(s, layer->SoftCap);
            var outside = Vector256.GreaterThan(Vector256.Create(j), limits) | Vector256.LessThan(Vector256.Create(j), lows);
            s = Vector256.ConditionalSelect(outside.AsSingle(), Vector256.Create(float.NegativeInfinity), s);
            s.Store(scores + (j * Eight));
            largest = VectorMath.Max(s, largest);
        }

        // Queries before this block, or that see nothing of it any more, do not enter it: their state stays.
        var entered = (Vector256.GreaterThanOrEqual(limits, Vector256<int>.Zero) & Vector256.LessThan(lows, Vector256.Create(Positions))).AsSingle();
        float* stats = state.Stats + (2 * Eight);
        var m = Vector256.Load(stats);
        var next = VectorMath.Max(largest, m);
        var c = NumericsMath.Exp(m - next);
        var sum = Vector256<float>.Zero;
        for (int j = 0; j < count; j++)
        {
            var p = NumericsMath.Exp(Vector256.Load(scores + (j * Eight)) - next);
            p.Store(scores + (j * Eight));
            sum += p;
        }

        var l = Vector256.Load(stats + Eight);
        Vector256.ConditionalSelect(entered, next, m).Store(stats);
        Vector256.ConditionalSelect(entered, Vector256.FusedMultiplyAdd(l, c, sum), l).Store(stats + Eight);
        float* corrections = stackalloc float[Eight];
        c.Store(corrections);
        for (int i = 0; i < state.Count; i++)
        {
            int from = Math.Max(firsts[i], 0), own = Math.Min(state.First + i + 1 - block, Positions);
            if (from < own)
            {
                Weigh(scores + i + (from * Eight), values + (from * stride), own - from, layer->ValueSize, stride, corrections[i], state.O + (i * layer->ValueSize));
            }
        }
    }

    /// <summary>Dot products of one key with eight queries.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scores(float* queries, float* key, int size)
    {
        return size <= AttentionParts.DotSegment ? ScoresOfSegment(queries, key, size) : ScoresOfSegments(queries, key, size);
    }

    /// <summary>The same for keys of several segments of a dot product: accumulators are added one segment after the other.</summary>
    private static Vector256<float> ScoresOfSegments(float* queries, float* key, int size)
    {
        float* totals = stackalloc float[Eight * Eight];
        for (int at = 0; at < size; at += AttentionParts.DotSegment)
        {
            int length = Math.Min(size - at, AttentionParts.DotSegment);
            for (int query = 0; query < Eight; query++)
            {
                var a = Vector256<float>.Zero;
                for (int i = at; i < at + length; i += 8)
                {
                    a = Vector256.FusedMultiplyAdd(Vector256.Load(key + i), Vector256.Load(queries + (query * size) + i), a);
                }

                (at == 0 ? a : Vector256.Load(totals + (query * Eight)) + a).Store(totals + (query * Eight));
            }
        }

        return AttentionParts.JoinEight(
            Vector256.Load(totals), Vector256.Load(totals + 8), Vector256.Load(totals + 16), Vector256.Load(totals + 24),
            Vector256.Load(totals + 32), Vector256.Load(totals + 40), Vector256.Load(totals + 48), Vector256.Load(totals + 56));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> ScoresOfSegment(float* queries, float* key, int size)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
        float* q0 = queries, q3 = queries + (3 * size), q6 = queries + (6 * size);
        for (int i = 0; i < size; i += 8)
        {
            var k = Vector256.Load(key + i);
            a0 = Vector256.FusedMultiplyAdd(k, Vector256.Load(q0 + i), a0);
            a1 = Vector256.FusedMultiplyAdd(k, Vector256.Load(q0 + size + i), a1);
            a2 = Vector256.FusedMultiplyAdd(k, Vector256.Load(q3 - size + i), a2);
            a3 = Vector256.FusedMultiplyAdd(k, Vector256.Load(q3 + i), a3);
            a4 = Vector256.FusedMultiplyAdd(k, Vector256.Load(q3 + size + i), a4);
            a5 = Vector256.FusedMultiplyAdd(k, Vector256.Load(q6 - size + i), a5);
            a6 = Vector256.FusedMultiplyAdd(k, Vector256.Load(q6 + i), a6);
            a7 = Vector256.FusedMultiplyAdd(k, Vector256.Load(q6 + size + i), a7);
        }

        return AttentionParts.JoinEight(a0, a1, a2, a3, a4, a5, a6, a7);
    }

    /// <summary>o = o · c + Σ p_j v_j for one query. weights: one per position, eight floats apart</summary>
    private static void Weigh(float* weights, float* values, int count, int size, int stride, float correction, float* o)
    {
        var c = Vector256.Create(correction);
        int i = 0;
        for (; i <= size - 64; i += 64)
        {
            Vector256<float> t0 = default, t1 = default, t2 = default, t3 = default, t4 = default, t5 = default, t6 = default, t7 = default;
            float* v = values + i;
            for (int j = 0; j < count; j++)
            {
                var p = Vector256.Create(weights[j * Eight]);
                t0 = Vector256.FusedMultiplyAdd(p, Vector256.Load(v), t0);
                t1 = Vector256.FusedMultiplyAdd(p, Vector256.Load(v + 8), t1);
                t2 = Vector256.FusedMultiplyAdd(p, Vector256.Load(v + 16), t2);
                t3 = Vector256.FusedMultiplyAdd(p, Vector256.Load(v + 24), t3);
                t4 = Vector256.FusedMultiplyAdd(p, Vector256.Load(v + 32), t4);
                t5 = Vector256.FusedMultiplyAdd(p, Vector256.Load(v + 40), t5);
                t6 = Vector256.FusedMultiplyAdd(p, Vector256.Load(v + 48), t6);
                t7 = Vector256.FusedMultiplyAdd(p, Vector256.Load(v + 56), t7);
                v += stride;
            }

            AttentionParts.Accumulate(o + i, c, t0);
            AttentionParts.Accumulate(o + i + 8, c, t1);
            AttentionParts.Accumulate(o + i + 16, c, t2);
            AttentionParts.Accumulate(o + i + 24, c, t3);
            AttentionParts.Accumulate(o + i + 32, c, t4);
            AttentionParts.Accumulate(o + i + 40, c, t5);
            AttentionParts.Accumulate(o + i + 48, c, t6);
            AttentionParts.Accumulate(o + i + 56, c, t7);
        }

        for (; i < size; i += 16)
        {
            Vector256<float> t0 = default, t1 = default;
            for (int j = 0; j < count; j++)
            {
                var p = Vector256.Create(weights[j * Eight]);
                t0 = Vector256.FusedMultiplyAdd(p, Vector256.Load(values + (j * stride) + i), t0);
                t1 = Vector256.FusedMultiplyAdd(p, Vector256.Load(values + (j * stride) + i + 8), t1);
            }

            AttentionParts.Accumulate(o + i, c, t0);
            AttentionParts.Accumulate(o + i + 8, c, t1);
        }
    }

    /// <summary>Joins the finished segment to those before it, for the queries that reached it.</summary>
    private static void End(ref Queries state, LayerAttention* layer, int start, int size)
    {
        float* stats = state.Stats;
        for (int i = 0; i < state.Count; i++)
        {
            int firstSegment = layer->Visibility.First(state.First + i) / AttentionParts.Segment * AttentionParts.Segment;
            float* whole = state.Whole + (i * size), o = state.O + (i * size);
            float m = stats[(2 * Eight) + i], l = stats[(3 * Eight) + i];
            if (start == firstSegment)
            {
                stats[i] = m;
                stats[Eight + i] = l;
                new ReadOnlySpan<float>(o, size).CopyTo(new Span<float>(whole, size));
            }
            else if (state.First + i >= start && start > firstSegment)
            {
                float larger = stats[i] > m ? stats[i] : m;
                float left = NumericsMath.Exp(stats[i] - larger), right = NumericsMath.Exp(m - larger);
                stats[Eight + i] = MathF.FusedMultiplyAdd(stats[Eight + i], left, l * right);
                stats[i] = larger;
                AttentionParts.JoinSegment(whole, left, o, right, size);
            }
        }
    }
}
