namespace LlmServe.Compiler.Programs;

/// <summary>How the instructions of a step divide its work over the lanes.</summary>
public enum Division
{
    /// <summary>Each takes some columns of all rows, or a share of the rows with all columns.</summary>
    Rectangles,

    /// <summary>Each takes its share of units that are only known in a tick: stretches of attention, chosen experts.</summary>
    Units,
}
