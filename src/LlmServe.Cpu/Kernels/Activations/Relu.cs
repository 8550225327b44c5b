using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>x, or 0 below it.</summary>
internal readonly unsafe struct Relu : IActivation
{
    public static float Of(float x, float* constants) => NumericsMath.Relu(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> x, float* constants) => NumericsMath.Relu(x);
}
