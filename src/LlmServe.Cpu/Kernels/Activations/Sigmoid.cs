using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>1 / (1 + e^−x).</summary>
internal readonly unsafe struct Sigmoid : IActivation
{
    public static float Of(float x, float* constants) => NumericsMath.Sigmoid(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> x, float* constants) => NumericsMath.Sigmoid(x);
}
