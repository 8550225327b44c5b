namespace LlmServe.Compiler.Graph;

/// <summary>Which elements of a head form a pair that RoPE rotates.</summary>
public enum RopePairing
{
    /// <summary>Neighbours: (0, 1), (2, 3), …</summary>
    Adjacent,

    /// <summary>Halves: (0, d/2), (1, d/2 + 1), …</summary>
    Halves,
}

/// <summary>Shape of a decoder: what kernels and the KV cache need beyond weights.</summary>
public sealed record ModelShape
{
    public required string Architecture { get; init; }

    /// <summary>Transformer blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int Width { get; init; }

    public required int QueryHeads { get; init; }

    public required int KeyHeads { get; init; }

    /// <summary>Elements of a head.</summary>
    public required int HeadSize { get; init; }

    public required int FeedForward { get; init; }

    public required int Vocabulary { get; init; }

    public required int ContextLength { get; init; }

    /// <summary>Factor on attention scores.</summary>
    public required float AttentionScale { get; init; }

    public required RopePairing RopePairing { get; init; }

    /// <summary>Angle per position for each rotated pair, in radians. [pairs]; pairs · 2 ≤ HeadSize, the rest of a head is not rotated.</summary>
    public required IReadOnlyList<double> RopeFrequencies { get; init; }

    /// <summary>Query heads that share a key head.</summary>
    public int HeadsPerKeyHead => QueryHeads / KeyHeads;
}
