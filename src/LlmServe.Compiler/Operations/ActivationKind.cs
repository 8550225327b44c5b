namespace LlmServe.Compiler.Operations;

/// <summary>Functions of one number (docs/numerics.md, "Functions").</summary>
public enum ActivationKind
{
    Silu,

    /// <summary>The tanh form.</summary>
    Gelu,
}
