namespace LlmServe.Compiler.Operations;

/// <summary>Norms (docs/numerics.md, "Functions").</summary>
public enum NormKind
{
    /// <summary>By the root of the mean square.</summary>
    Rms,

    /// <summary>By mean and variance.</summary>
    Layer,
}
