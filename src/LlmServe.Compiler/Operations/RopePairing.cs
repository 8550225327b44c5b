namespace LlmServe.Compiler.Operations;

/// <summary>Which elements of a head form a pair that RoPE rotates.</summary>
public enum RopePairing
{
    /// <summary>Neighbours: (0, 1), (2, 3), …</summary>
    Adjacent,

    /// <summary>Halves: (0, d/2), (1, d/2 + 1), …</summary>
    Halves,
}
