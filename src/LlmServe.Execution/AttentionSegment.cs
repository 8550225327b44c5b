namespace LlmServe.Execution;

/// <summary>The unit in which attention over long contexts is shared out: a run of positions with a running softmax of its own (docs/numerics.md, "Attention").</summary>
public static class AttentionSegment
{
    /// <summary>Positions in a segment.</summary>
    public const int Positions = 256;

    /// <summary>Segments that cover <paramref name="positions"/> positions.</summary>
    public static int CountFor(int positions) => (positions + Positions - 1) / Positions;
}
