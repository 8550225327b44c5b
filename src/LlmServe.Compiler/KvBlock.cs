namespace LlmServe.Compiler;

/// <summary>The unit of KV-cache memory.</summary>
public static class KvBlock
{
    /// <summary>Positions in a block.</summary>
    public const int Positions = 32;

    /// <summary>Blocks that hold <paramref name="positions"/> positions.</summary>
    public static int CountFor(int positions) => (positions + Positions - 1) / Positions;
}
