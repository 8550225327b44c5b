namespace LlmServe.Constraints;

/// <summary>What one rule may cost. A rule beyond a limit is refused with a <see cref="ConstraintException"/> that names the limit.</summary>
public sealed record ConstraintLimits
{
    /// <summary>Longest rule, in UTF-8 bytes. Holds for each schema, pattern or grammar of a rule that is built from parts.</summary>
    public int MaxRuleBytes { get; init; } = 256 * 1024;

    /// <summary>Longest rule that is built from parts, all of them together, in UTF-8 bytes.</summary>
    public int MaxComposedBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Deepest nesting of brackets, groups and sub-schemas.</summary>
    public int MaxDepth { get; init; } = 128;

    /// <summary>Most states of the automaton that a rule becomes.</summary>
    public int MaxStates { get; init; } = 200_000;

    /// <summary>Most steps of work in making that automaton (an edge looked at is a step); about a second of one processor.</summary>
    public long MaxWork { get; init; } = 40_000_000;

    /// <summary>Largest count in a repetition (<c>{m,n}</c>, <c>maxItems</c>) that is laid out state by state.</summary>
    public int MaxRepetition { get; init; } = 50_000;

    /// <summary>The limits that are used where none are given.</summary>
    public static ConstraintLimits Default { get; } = new();
}
