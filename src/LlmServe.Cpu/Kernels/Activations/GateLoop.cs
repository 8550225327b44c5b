using System.Runtime.Intrinsics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>gate_i = act(gate_i) · up_i, or act(gate_i) where there is no up. [length]</summary>
internal static unsafe class GateLoop<TActivation> where TActivation : struct, IActivation
{
    /// <summary>One number at a time.</summary>
    public static void Scalar(float* gate, float* up, int length, float* constants)
    {
        for (int i = 0; i < length; i++)
        {
            gate[i] = up == null ? TActivation.Of(gate[i], constants) : TActivation.Of(gate[i], constants) * up[i];
        }
    }

    /// <summary>Eight at a time, with the same bits.</summary>
    public static void Vector(float* gate, float* up, int length, float* constants)
    {
        int i = 0;
        for (; i <= length - 8; i += 8)
        {
            var y = TActivation.Of(Vector256.Load(gate + i), constants);
            (up == null ? y : y * Vector256.Load(up + i)).Store(gate + i);
        }

        Scalar(gate + i, up == null ? null : up + i, length - i, constants);
    }
}
