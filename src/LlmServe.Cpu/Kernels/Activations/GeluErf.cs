using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>Gelu with the error function.</summary>
internal readonly unsafe struct GeluErf : IActivation
{
    public static float Of(float x, float* constants) => NumericsMath.GeluErf(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> x, float* constants) => NumericsMath.GeluErf(x);
}
