namespace LlmServe.Execution;

/// <summary>How activations enter quantized matrices (NUMERICS: "Two activation modes").</summary>
public enum ActivationMode
{
    /// <summary>8 bits per block of 32; integer dot products.</summary>
    Int8,

    /// <summary>Strictly weight-only.</summary>
    F32,
}
