namespace LlmServe.Execution;

/// <summary>The unit of KV-cache memory.</summary>
public static class KvBlock
{
    /// <summary>Positions in a block.</summary>
    public const int Positions = 32;

    /// <summary>Blocks that hold <paramref name="positions"/> positions.</summary>
    public static int CountFor(int positions) => (positions + Positions - 1) / Positions;

    /// <summary>Elements that share a scale where elements have one.</summary>
    public const int ScaledRun = 32;

    /// <summary>Bytes of a key (or value) of one head at one position.</summary>
    public static int RowBytes(KvElement element, int headSize) => element switch
    {
        KvElement.F16 => 2 * headSize,
        KvElement.F32 => 4 * headSize,
        KvElement.Q8_0 => headSize + (headSize / ScaledRun * 2),
        _ => throw new ArgumentOutOfRangeException(nameof(element), element, "unknown element type"),
    };
}
