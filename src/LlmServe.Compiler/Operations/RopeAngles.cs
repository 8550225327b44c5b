using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>The angles of rotary embeddings.</summary>
/// <param name="Frequencies">Angle per position for each rotated pair, in radians. [pairs]</param>
/// <param name="Magnitude">What cosines and sines are multiplied by.</param>
public sealed record RopeAngles(IReadOnlyList<double> Frequencies, float Magnitude = 1) : Detail
{
    /// <summary>How many there are says how long they take.</summary>
    public override object? ForCost() => null;

    /// <inheritdoc/>
    public bool Equals(RopeAngles? other) => other is not null && Magnitude == other.Magnitude && Frequencies.SequenceEqual(other.Frequencies);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Magnitude, Frequencies.Count, Frequencies.Count == 0 ? 0 : Frequencies[^1]);
}
