namespace LlmServe.Engine;

/// <summary>Draft tokens since the start, and how they turned out.</summary>
/// <param name="LookupDrafts">Taken from the sequences' own text.</param>
/// <param name="LookupAccepted">Those among them that were right.</param>
/// <param name="ModelDrafts">Given by a draft model.</param>
/// <param name="ModelAccepted">Those among them that were right.</param>
public readonly record struct SpeculationStatistics(long LookupDrafts, long LookupAccepted, long ModelDrafts, long ModelAccepted)
{
    /// <summary>Ticks of the draft model.</summary>
    public long ModelTicks { get; init; }

    /// <summary>Whether the draft model failed and is out of use.</summary>
    public bool ModelFailed { get; init; }

    /// <summary>Draft tokens, whatever the source.</summary>
    public long Drafted => LookupDrafts + ModelDrafts;

    /// <summary>Those among them that were right.</summary>
    public long Accepted => LookupAccepted + ModelAccepted;
}
