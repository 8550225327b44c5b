using System.Runtime.Intrinsics;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>A function of one number with constants (docs/numerics.md, "Functions"), and of eight with the same bits.</summary>
internal unsafe interface IActivation
{
    static abstract float Of(float x, float* constants);

    static abstract Vector256<float> Of(Vector256<float> x, float* constants);
}
