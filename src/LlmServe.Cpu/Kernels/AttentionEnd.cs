using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels;

/// <summary>What comes after the last segment of a head.</summary>
internal static unsafe class AttentionEnd
{
    /// <summary>Joins a sink: a segment whose largest score it is, with a sum of 1 and no values. o: [size]; stats: largest score and sum</summary>
    public static void JoinSink(float* o, float* stats, float sink, int size)
    {
        float m = stats[0] > sink ? stats[0] : sink;
        float left = NumericsMath.Exp(stats[0] - m), right = NumericsMath.Exp(sink - m);
        stats[1] = MathF.FusedMultiplyAdd(stats[1], left, right);
        for (int i = 0; i < size; i++)
        {
            o[i] = MathF.FusedMultiplyAdd(o[i], left, 0 * right);
        }

        stats[0] = m;
    }
}
