using LlmServe.Compiler.Operations;

namespace LlmServe.Cpu.Kernels.Activations;

/// <summary>The loops of every activation: a line for each.</summary>
internal static unsafe class ActivationTable
{
    /// <summary>The loop over a gate, which gets the result, and what is gated (null: nothing), with their length and the activation's constants.</summary>
    /// <param name="kind">The activation.</param>
    /// <param name="inVectors">Whether eight numbers are taken at a time.</param>
    public static delegate*<float*, float*, int, float*, void> LoopOf(ActivationKind kind, bool inVectors) => kind switch
    {
        ActivationKind.Silu => inVectors ? &GateLoop<Silu>.Vector : &GateLoop<Silu>.Scalar,
        ActivationKind.Gelu => inVectors ? &GateLoop<Gelu>.Vector : &GateLoop<Gelu>.Scalar,
        ActivationKind.GeluErf => inVectors ? &GateLoop<GeluErf>.Vector : &GateLoop<GeluErf>.Scalar,
        ActivationKind.Relu => inVectors ? &GateLoop<Relu>.Vector : &GateLoop<Relu>.Scalar,
        ActivationKind.ReluSquared => inVectors ? &GateLoop<ReluSquared>.Vector : &GateLoop<ReluSquared>.Scalar,
        ActivationKind.Sigmoid => inVectors ? &GateLoop<Sigmoid>.Vector : &GateLoop<Sigmoid>.Scalar,
        ActivationKind.Xielu => inVectors ? &GateLoop<Xielu>.Vector : &GateLoop<Xielu>.Scalar,
        ActivationKind.SoftCap => inVectors ? &GateLoop<SoftCap>.Vector : &GateLoop<SoftCap>.Scalar,
        ActivationKind.Clamp => inVectors ? &GateLoop<Clamp>.Vector : &GateLoop<Clamp>.Scalar,
        ActivationKind.ClampedSwiglu => inVectors ? &ClampedSwiglu.Vector : &ClampedSwiglu.Scalar,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such activation"),
    };
}
