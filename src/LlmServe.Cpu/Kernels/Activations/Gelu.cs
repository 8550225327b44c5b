using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>The tanh form of gelu.</summary>
internal readonly struct Gelu : IActivation
{
    public static float Of(float x) => NumericsMath.Gelu(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> x)
    {
        var c = x * x;
        var t = Vector256.FusedMultiplyAdd(Vector256.Create(0.044715f) * c, x, x);
        return x / (Vector256.Create(1f) + NumericsMath.Exp(Vector256.Create(-1.5957691216f) * t));
    }
}
