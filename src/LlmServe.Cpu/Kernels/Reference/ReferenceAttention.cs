using LlmServe.Compiler;
using LlmServe.Compiler.Numerics;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Reference;

/// <summary>Attention of one query head, one number at a time: docs/numerics.md, "Attention".</summary>
internal static unsafe class ReferenceAttention
{
    /// <summary>Positions of an attention segment.</summary>
    private const int Segment = 256;

    /// <summary>The running softmax of a segment: largest score, sum, and weighted values.</summary>
    private ref struct Running(Span<float> o)
    {
        public float M = float.NegativeInfinity;
        public float L = 0;
        public readonly Span<float> O = o;
    }

    /// <summary>Writes the attention of one head of a row. query and output: [head size]</summary>
    public static void Head(TickState* tick, float* query, float* output, int row, int layer, int keyHead)
    {
        int size = tick->Shape.HeadSize;
        int position = tick->Positions[row];
        var whole = new Running(new Span<float>(output, size));
        float* memory = stackalloc float[size];
        for (int start = 0; start <= position; start += Segment)
        {
            var segment = new Running(new Span<float>(memory, size));
            segment.O.Clear();
            for (int block = start; block <= position && block < start + Segment; block += KvBlock.Positions)
            {
                AddBlock(tick, query, ref segment, row, layer, keyHead, block, Math.Min(position + 1, block + KvBlock.Positions) - block);
            }

            if (start == 0)
            {
                whole.M = segment.M;
                whole.L = segment.L;
                segment.O.CopyTo(whole.O);
            }
            else
            {
                Join(ref whole, segment);
            }
        }

        for (int i = 0; i < size; i++)
        {
            output[i] = whole.O[i] / whole.L;
        }
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

    private static void Join(ref Running whole, in Running segment)
    {
        float m = whole.M > segment.M ? whole.M : segment.M;
        float left = NumericsMath.Exp(whole.M - m);
        float right = NumericsMath.Exp(segment.M - m);
        whole.L = MathF.FusedMultiplyAdd(whole.L, left, segment.L * right);
        for (int i = 0; i < whole.O.Length; i++)
        {
            whole.O[i] = MathF.FusedMultiplyAdd(whole.O[i], left, segment.O[i] * right);
        }

        whole.M = m;
    }

    private static float Load(in KvLayout kv, byte* panel, int position, int element)
    {
        int index = (position * kv.HeadSize) + kv.IndexOf(element);
        return kv.ElementBytes == 2 ? (float)((Half*)panel)[index] : ((float*)panel)[index];
    }
}
