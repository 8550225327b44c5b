using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>The gate of gpt-oss: g · sigmoid(α · g) · (u + 1), with g below a limit and u within it. Constants: the limit, α.</summary>
internal static unsafe class ClampedSwiglu
{
    /// <summary>One number at a time.</summary>
    public static void Scalar(float* gate, float* up, int length, float* constants)
    {
        float limit = constants[0], alpha = constants[1];
        for (int i = 0; i < length; i++)
        {
            float g = gate[i] < limit ? gate[i] : limit;
            gate[i] = g / (1f + NumericsMath.Exp(-(alpha * g))) * (NumericsMath.Clamp(up[i], limit) + 1f);
        }
    }

    /// <summary>Eight at a time, with the same bits.</summary>
    public static void Vector(float* gate, float* up, int length, float* constants)
    {
        var limit = Vector256.Create(constants[0]);
        var alpha = Vector256.Create(constants[1]);
        var one = Vector256.Create(1f);
        int i = 0;
        for (; i <= length - 8; i += 8)
        {
            var x = Vector256.Load(gate + i);
            var g = Vector256.ConditionalSelect(Vector256.LessThan(x, limit), x, limit);
            (g / (one + NumericsMath.Exp(-(alpha * g))) * (NumericsMath.Clamp(Vector256.Load(up + i), constants[0]) + one)).Store(gate + i);
        }

        Scalar(gate + i, up + i, length - i, constants);
    }
}
