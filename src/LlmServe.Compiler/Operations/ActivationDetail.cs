using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>A function of one number, or of a gate and another number.</summary>
/// <param name="Kind">The function.</param>
/// <param name="Parameters">Its constants, as many as <see cref="ActivationKind"/> says.</param>
public sealed record ActivationDetail(ActivationKind Kind, params IReadOnlyList<float> Parameters) : Detail
{
    /// <summary>Whether it is a function of a gate and another number, which are not multiplied afterwards.</summary>
    public bool IsOfTwo => Kind == ActivationKind.ClampedSwiglu;

    /// <summary>Constants take no time.</summary>
    public override object? ForCost() => Kind;

    /// <inheritdoc/>
    public bool Equals(ActivationDetail? other) => other is not null && Kind == other.Kind && Parameters.SequenceEqual(other.Parameters);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, Parameters.Count);
}
