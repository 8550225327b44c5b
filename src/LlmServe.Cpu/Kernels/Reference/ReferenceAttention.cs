using LlmServe.Execution;
using LlmServe.Execution.Numerics;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Reference;

/// <summary>Attention of one query head, one number at a time: docs/numerics.md, "Attention".</summary>
internal static unsafe class ReferenceAttention
{
    /// <summary>The running softmax of a segment: largest score, sum, and weighted values.</summary>
    private ref struct Running(Span<float> o)
    {
        public float M = float.NegativeInfinity;
        public float L = 0;
        public readonly Span<float> O = o;
    }

    /// <summary>One segment of one head of a row. query, o: [head size]; stats: largest score and sum</summary>
    public static void Segment(TickState* tick, float* query, int row, int layer, int keyHead, int segment, float* o, float* stats)
    {
        int end = Math.Min(tick->Positions[row] + 1, (segment + 1) * AttentionSegment.Positions);
        var running = new Running(new Span<float>(o, tick->Shape.HeadSize));
        running.O.Clear();
        for (int block = segment * AttentionSegment.Positions; block < end; block += KvBlock.Positions)
        {
            AddBlock(tick, query, ref running, row, layer, keyHead, block, Math.Min(end - block, KvBlock.Positions));
        }

        stats[0] = running.M;
        stats[1] = running.L;
    }

    /// <summary>Joins a finished segment to those before it. whole, o: [size]; stats: largest score and sum</summary>
    public static void Join(float* whole, float* wholeStats, float* o, float* stats, int size)
    {
        float m = wholeStats[0] > stats[0] ? wholeStats[0] : stats[0];
        float left = NumericsMath.Exp(wholeStats[0] - m);
        float right = NumericsMath.Exp(stats[0] - m);
        wholeStats[1] = MathF.FusedMultiplyAdd(wholeStats[1], left, stats[1] * right);
        for (int i = 0; i < size; i++)
        {
            whole[i] = MathF.FusedMultiplyAdd(whole[i], left, o[i] * right);
        }

        wholeStats[0] = m;
    }

    private static void AddBlock(TickState* tick, float* query, ref Running state, int row, int layer, int keyHead, int start, int count)
    {
        ref readonly var kv = ref tick->Kv;
        int size = tick->Shape.HeadSize;
        int block = tick->BlockTables[((nint)tick->Slots[row] * tick->BlocksPerSlot) + (start / KvBlock.Positions)];
        byte* keys = kv.Keys(block, layer, keyHead);
        byte* values = keys + kv.PanelBytes;
        float* s = stackalloc float[KvBlock.Positions];
        float* key = stackalloc float[size];
        float largest = float.NegativeInfinity;
        for (int j = 0; j < count; j++)
        {
            for (int i = 0; i < size; i++)
            {
                key[i] = Load(kv, keys, j, i);
            }

            s[j] = ReferenceVector.Dot(query, key, size) * tick->Shape.AttentionScale;
            largest = s[j] > largest ? s[j] : largest;
        }

        float m = state.M > largest ? state.M : largest;
        float c = NumericsMath.Exp(state.M - m);
        float sum = 0;
        for (int j = 0; j < count; j++)
        {
            s[j] = NumericsMath.Exp(s[j] - m);
            sum += s[j];
        }

        state.L = MathF.FusedMultiplyAdd(state.L, c, sum);
        for (int i = 0; i < size; i++)
        {
            float t = 0;
            for (int j = 0; j < count; j++)
            {
                t = MathF.FusedMultiplyAdd(s[j], Load(kv, values, j, i), t);
            }

            state.O[i] = MathF.FusedMultiplyAdd(state.O[i], c, t);
        }

        state.M = m;
    }

    private static float Load(in KvLayout kv, byte* panel, int position, int element)
    {
        byte* row = kv.Row(panel, position);
        return kv.Element switch
        {
            KvElement.F16 => (float)((Half*)row)[kv.IndexOf(element)],
            KvElement.F32 => ((float*)row)[kv.IndexOf(element)],
            _ => (float)kv.Scales(panel, position)[element / KvBlock.ScaledRun] * ((sbyte*)row)[element],
        };
    }
}
