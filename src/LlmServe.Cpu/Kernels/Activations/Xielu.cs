using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlmServe.Execution.Numerics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>xIELU, with ap, an, beta and eps.</summary>
internal readonly unsafe struct Xielu : IActivation
{
    public static float Of(float x, float* constants)
    {
        float linear = constants[2] * x;
        return x > 0
            ? MathF.FusedMultiplyAdd(constants[0] * x, x, linear)
            : MathF.FusedMultiplyAdd(NumericsMath.Exp(x < constants[3] ? x : constants[3]) - 1 - x, constants[1], linear);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> x, float* constants)
    {
        var linear = Vector256.Create(constants[2]) * x;
        var limit = Vector256.Create(constants[3]);
        var exp = NumericsMath.Exp(Vector256.ConditionalSelect(Vector256.LessThan(x, limit), x, limit));
        return Vector256.ConditionalSelect(
            Vector256.GreaterThan(x, Vector256<float>.Zero),
            Vector256.FusedMultiplyAdd(Vector256.Create(constants[0]) * x, x, linear),
            Vector256.FusedMultiplyAdd(exp - Vector256.Create(1f) - x, Vector256.Create(constants[1]), linear));
    }
}
