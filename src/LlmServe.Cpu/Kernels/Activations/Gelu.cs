using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>The tanh form of gelu.</summary>
internal readonly unsafe struct Gelu : IActivation
{
    public static float Of(float x, float* constants) => NumericsMath.Gelu(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> x, float* constants) => NumericsMath.Gelu(x);
}
