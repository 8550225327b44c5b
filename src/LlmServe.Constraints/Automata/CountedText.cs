namespace LlmServe.Constraints.Automata;

/// <summary>How characters of a JSON string are written.</summary>
internal enum CountedUnit
{
    /// <summary>As JSON allows: plain, or escaped in any way.</summary>
    Text,

    /// <summary>In one way each: the shortest escapes, and only where JSON needs them.</summary>
    Name,
}

/// <summary>
/// A rule that is so many characters of a JSON string and the quote that closes it. It is not laid out state by state: a state is a count and a place
/// within a character, so that a string of up to a million characters costs as little as one of ten.
/// </summary>
/// <param name="Unit">How characters are written.</param>
/// <param name="Least">How many at least.</param>
/// <param name="Most">How many at most; null: as many as one likes.</param>
internal sealed record CountedText(CountedUnit Unit, int Least, int? Most)
{
    /// <summary>The largest count that is kept apart; larger bounds are brought down to it.</summary>
    public const int LargestCount = 1 << 20;

    /// <summary>Counts from which on nothing changes: the state stays.</summary>
    public int LastCount => Most ?? Least;
}
