namespace LlmServe.Engine.Scheduling;

/// <summary>What one sequence has of the current tick.</summary>
internal struct TickShare
{
    /// <summary>Its rows.</summary>
    public int Rows;

    /// <summary>Its first row of logits; −1: none.</summary>
    public int Logits;

    /// <summary>Drafts among its rows; their tokens stand behind the known ones.</summary>
    public int Drafts;

    /// <summary>Tokens that were chosen from the tick's logits.</summary>
    public int Sampled;

    /// <summary>Tokens that the tick gave, those that a constraint made certain included; they stand behind the known ones until they are accepted.</summary>
    public int Chosen;
}
