using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>x, from −limit to limit.</summary>
internal readonly unsafe struct Clamp : IActivation
{
    public static float Of(float x, float* constants) => NumericsMath.Clamp(x, constants[0]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> x, float* constants) => NumericsMath.Clamp(x, constants[0]);
}
