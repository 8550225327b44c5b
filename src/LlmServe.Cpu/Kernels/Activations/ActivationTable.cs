using LlmServe.Compiler.Operations;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>The loops of every activation: a line for each.</summary>
internal static unsafe class ActivationTable
{
    /// <summary>The loop that gates.</summary>
    /// <param name="kind">The activation.</param>
    /// <param name="inVectors">Whether eight numbers are taken at a time.</param>
    public static delegate*<float*, float*, int, void> GateOf(ActivationKind kind, bool inVectors) => kind switch
    {
        ActivationKind.Silu => inVectors ? &GateLoop<Silu>.Vector : &GateLoop<Silu>.Scalar,
        ActivationKind.Gelu => inVectors ? &GateLoop<Gelu>.Vector : &GateLoop<Gelu>.Scalar,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such activation"),
    };
}
