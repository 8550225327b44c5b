using System.Runtime.Intrinsics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>gate_i = act(gate_i) · up_i. [length]</summary>
internal static unsafe class GateLoop<TActivation> where TActivation : struct, IActivation
{
    /// <summary>One number at a time.</summary>
    public static void Scalar(float* gate, float* up, int length)
    {
        for (int i = 0; i < length; i++)
        {
            gate[i] = TActivation.Of(gate[i]) * up[i];
        }
    }

    /// <summary>Eight at a time, with the same bits.</summary>
    public static void Vector(float* gate, float* up, int length)
    {
        int i = 0;
        for (; i <= length - 8; i += 8)
        {
            (TActivation.Of(Vector256.Load(gate + i)) * Vector256.Load(up + i)).Store(gate + i);
        }

        for (; i < length; i++)
        {
            gate[i] = TActivation.Of(gate[i]) * up[i];
        }
    }
}
