using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>x · sigmoid(x).</summary>
internal readonly unsafe struct Silu : IActivation
{
    public static float Of(float x, float* constants) => NumericsMath.Silu(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> x, float* constants) => NumericsMath.Silu(x);
}
