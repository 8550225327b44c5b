namespace LlmServe.Engine;

/// <summary>Tokens guessed ahead since the start, and how they turned out.</summary>
/// <param name="LookupGuesses">Guessed from the sequences' own text.</param>
/// <param name="LookupAccepted">Those among them that were right.</param>
/// <param name="DraftGuesses">Guessed by a draft model.</param>
/// <param name="DraftAccepted">Those among them that were right.</param>
public readonly record struct SpeculationStatistics(long LookupGuesses, long LookupAccepted, long DraftGuesses, long DraftAccepted)
{
    /// <summary>Ticks of the draft model.</summary>
    public long DraftTicks { get; init; }

    /// <summary>Whether the draft model failed and is out of use.</summary>
    public bool DraftFailed { get; init; }

    /// <summary>Tokens guessed, whatever the source.</summary>
    public long Guessed => LookupGuesses + DraftGuesses;

    /// <summary>Those among them that were right.</summary>
    public long Accepted => LookupAccepted + DraftAccepted;
}
