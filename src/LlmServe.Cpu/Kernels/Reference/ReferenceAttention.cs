using LlmServe.Cpu.Execution;
using LlmServe.Execution;
using LlmServe.Execution.Numerics;

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

    /// <summary>One segment of one head of a row. query: [key size]; o: [value size]; stats: largest score and sum</summary>
    public static void Segment(LayerAttention* layer, TickState* tick, float* query, int row, int keyHead, int segment, float* o, float* stats)
    {
        int position = tick->Positions[row], first = layer->Visibility.First(position);
        int begin = Math.Max(first, segment * AttentionSegment.Positions), end = Math.Min(position + 1, (segment + 1) * AttentionSegment.Positions);
        var running = new Running(new Span<float>(o, layer->ValueSize));
        running.O.Clear();
        for (int block = begin / KvBlock.Positions * KvBlock.Positions; block < end; block += KvBlock.Positions)
        {
            byte* keys = layer->Cache.KeysOf(layer->Cache.Table(tick->Slots[row])[block / KvBlock.Positions], keyHead);
            AddBlock(layer, keys, query, ref running, Math.Max(begin - block, 0), Math.Min(end - block, KvBlock.Positions));
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

    /// <summary>Positions [first, end) of a block.</summary>
    private static void AddBlock(LayerAttention* layer, byte* keys, float* query, ref Running state, int first, int end)
    {
        ref readonly var cache = ref layer->Cache;
        byte* values = keys + cache.ValuesOffset;
        float* s = stackalloc float[KvBlock.Positions];
        float* key = stackalloc float[layer->KeySize];
        float largest = float.NegativeInfinity;
        for (int j = first; j < end; j++)
        {
            for (int i = 0; i < layer->KeySize; i++)
            {
                key[i] = Load(cache.Keys, keys, j, i);
            }

            s[j] = Score(layer, ReferenceVector.Dot(query, key, layer->KeySize));
            largest = s[j] > largest ? s[j] : largest;
        }

        float m = state.M > largest ? state.M : largest;
        float c = NumericsMath.Exp(state.M - m);
        float sum = 0;
        for (int j = first; j < end; j++)
        {
            s[j] = NumericsMath.Exp(s[j] - m);
            sum += s[j];
        }

        state.L = MathF.FusedMultiplyAdd(state.L, c, sum);
        for (int i = 0; i < layer->ValueSize; i++)
        {
            float t = 0;
            for (int j = first; j < end; j++)
            {
                t = MathF.FusedMultiplyAdd(s[j], Load(cache.Values, values, j, i), t);
            }

            state.O[i] = MathF.FusedMultiplyAdd(state.O[i], c, t);
        }

        state.M = m;
    }

    private static float Score(LayerAttention* layer, float product)
    {
        float score = product * layer->Scale;
        return layer->SoftCap == 0 ? score : NumericsMath.SoftCap(score, layer->SoftCap);
    }

    private static float Load(in PanelLayout layout, byte* panel, int position, int element)
    {
        byte* row = layout.Row(panel, position);
        return layout.Element switch
        {
            KvElement.F16 => (float)((Half*)row)[layout.IndexOf(element)],
            KvElement.F32 => ((float*)row)[layout.IndexOf(element)],
            _ => (float)layout.Scales(panel, position)[element / KvBlock.ScaledRun] * ((sbyte*)row)[element],
        };
    }
}
