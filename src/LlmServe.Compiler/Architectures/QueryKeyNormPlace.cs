namespace LlmServe.Compiler.Architectures;

/// <summary>What a norm of queries and keys is over.</summary>
internal enum QueryKeyNormPlace
{
    /// <summary>Each head, before it is rotated.</summary>
    Heads,

    /// <summary>Each head, after it was rotated.</summary>
    RotatedHeads,

    /// <summary>All heads at once, before they are rotated.</summary>
    Width,
}
