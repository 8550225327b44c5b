using System.Runtime.Intrinsics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>A function of one number (docs/numerics.md, "Functions"), and of eight with the same bits.</summary>
internal interface IActivation
{
    static abstract float Of(float x);

    static abstract Vector256<float> Of(Vector256<float> x);
}
