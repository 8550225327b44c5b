namespace LlmServe.Compiler.Operations;

/// <summary>Functions of one number (docs/numerics.md, "Functions").</summary>
public enum ActivationKind
{
    Silu,

    /// <summary>The tanh form.</summary>
    Gelu,

    /// <summary>The form with the error function.</summary>
    GeluErf,

    Relu,

    ReluSquared,

    Sigmoid,

    /// <summary>Parameters: ap, an, beta, eps.</summary>
    Xielu,

    /// <summary>Parameters: what the result stays below.</summary>
    SoftCap,

    /// <summary>Parameters: the limit.</summary>
    Clamp,

    /// <summary>Of a gate and another number. Parameters: the limit, the factor in the sigmoid.</summary>
    ClampedSwiglu,
}
