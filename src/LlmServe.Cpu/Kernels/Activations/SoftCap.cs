using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>c · tanh(x / c).</summary>
internal readonly unsafe struct SoftCap : IActivation
{
    public static float Of(float x, float* constants) => NumericsMath.SoftCap(x, constants[0]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> x, float* constants) => NumericsMath.SoftCap(x, constants[0]);
}
