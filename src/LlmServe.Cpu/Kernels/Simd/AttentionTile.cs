using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Attention of consecutive positions of one sequence (a prompt chunk): up to 16 rows for all heads of one key head. Keys and values of a block are
/// widened once for all of them; scores are computed eight rows at a time, one key against eight queries.
/// </summary>
internal static unsafe class AttentionTile
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 16;

    private const int Positions = AttentionParts.Positions;
    private const int Eight = 8;

    /// <summary>Running state and operands of eight queries: eight consecutive rows of one head.</summary>
    private struct Queries
    {
        /// <summary>[8][size]</summary>
        public float* Q;

        /// <summary>Result over the segments so far, and the running one. [8][size]</summary>
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
    public static int ScratchFloats(int headSize, int headsPerKeyHead) =>
        (2 * Positions * headSize) + (Rows / Eight * headsPerKeyHead * ((3 * Eight * headSize) + (4 * Eight))) + (Positions * Eight) + 64;

    /// <summary>
    /// Attention of rows [first, first + count) for the query heads of a key head. <paramref name="scratch"/> has <see cref="ScratchFloats"/> floats; the
    /// result of head h (of the group) and row r stands at the returned address + ((h · 16) + r) · size.
    /// </summary>
    public static float* Run(TickState* tick, ActivationView* query, int first, int count, int layer, int keyHead, float* scratch)
    {
        int size = tick->Shape.HeadSize, heads = tick->Shape.HeadsPerKeyHead;
        int groups = heads * (Rows / Eight);
        float* keys = scratch;
        float* values = keys + (Positions * size);
        float* scores = values + (Positions * size);
        float* stats = scores + (Positions * Eight);
        float* whole = stats + (groups * 4 * Eight);
        float* o = whole + (groups * Eight * size);
        float* q = o + (groups * Eight * size);
        var all = stackalloc Queries[groups];
        for (int group = 0; group < groups; group++)
        {
            int row = first + (group % (Rows / Eight) * Eight);
            all[group] = new Queries
            {
                Q = q + (group * Eight * size),
                Whole = whole + (group * Eight * size),
                O = o + (group * Eight * size),
                Stats = stats + (group * 4 * Eight),
                First = tick->Positions[first] + row - first,
                Count = Math.Clamp(first + count - row, 0, Eight),
            };
            Gather(query, row, all[group].Count, ((keyHead * heads) + (group / (Rows / Eight))) * size, size, all[group].Q);
        }

        int last = tick->Positions[first] + count - 1;
        int* table = tick->BlockTables + ((nint)tick->Slots[first] * tick->BlocksPerSlot);
        for (int start = 0; start <= last; start += AttentionParts.Segment)
        {
            Begin(all, groups, size);
            for (int block = start; block <= last && block < start + AttentionParts.Segment; block += Positions)
            {
                byte* panel = tick->Kv.Keys(table[block / Positions], layer, keyHead);
                int filled = Math.Min(last + 1 - block, Positions);
                float* k = AttentionParts.Widen(tick->Kv, panel, filled, size, keys);
                float* v = AttentionParts.Widen(tick->Kv, panel + tick->Kv.PanelBytes, filled, size, values);
                for (int group = 0; group < groups; group++)
                {
                    Block(ref all[group], block, k, v, size, tick->Shape.AttentionScale, scores);
                }
            }

            for (int group = 0; group < groups; group++)
            {
                End(ref all[group], start, size);
            }
        }

        for (int group = 0; group < groups; group++)
        {
            for (int i = 0; i < all[group].Count; i++)
            {
                AttentionParts.Divide(all[group].Whole + (i * size), all[group].Stats[Eight + i], size);
            }
        }

        return whole;
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
    private static void Block(ref Queries state, int block, float* keys, float* values, int size, float scale, float* scores)
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
            var s = Scores(state.Q, keys + (j * size), size) * scaleVector;
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
                Weigh(scores + i, values, own, size, corrections[i], state.O + (i * size));
            }
        }
    }

    /// <summary>Dot products of one key with eight queries.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scores(float* queries, float* key, int size)
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
    private static void Weigh(float* weights, float* values, int count, int size, float correction, float* o)
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
                v += size;
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
                t0 = Vector256.FusedMultiplyAdd(p, Vector256.Load(values + (j * size) + i), t0);
                t1 = Vector256.FusedMultiplyAdd(p, Vector256.Load(values + (j * size) + i + 8), t1);
            }

            AttentionParts.Accumulate(o + i, c, t0);
            AttentionParts.Accumulate(o + i + 8, c, t1);
        }
    }

    /// <summary>Joins the finished segment to those before it, for the queries that reached it.</summary>
    private static void End(ref Queries state, int start, int size)
    {
        float* stats = state.Stats;
        for (int i = 0; i < state.Count; i++)
        {
            float* whole = state.Whole + (i * size), o = state.O + (i * size);
            float m = stats[(2 * Eight) + i], l = stats[(3 * Eight) + i];
            if (start == 0)
            {
                stats[i] = m;
                stats[Eight + i] = l;
                new ReadOnlySpan<float>(o, size).CopyTo(new Span<float>(whole, size));
            }
            else if (state.First + i >= start)
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
