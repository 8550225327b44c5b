namespace LlmServe.Gguf.Formats;

/// <summary>What the real scales of a format are stored as in a file.</summary>
public enum ScaleType
{
    /// <summary>binary16, of either sign; times a power of two that is the same for all blocks (<see cref="IBlockFormat{TSelf}.ScaleExponent"/>).</summary>
    Half,

    /// <summary>A power of two: eight bits of exponent (OCP's E8M0).</summary>
    E8M0,

    /// <summary>Eight bits of floating point without a sign: four of exponent, three of mantissa (UE4M3).</summary>
    UE4M3,
}
