namespace LlmServe.Compiler.Graph;

/// <summary>
/// Representations of a row that matrices read; a row can carry several. The compiler knows none but <see cref="Real"/>: the others are its target's, who
/// says how long they are and in which groups of columns they are written.
/// </summary>
[Flags]
public enum ActivationForms
{
    /// <summary>Not stored.</summary>
    None = 0,

    /// <summary>f32 as computed.</summary>
    Real = 1,

    /// <summary>The first form of a target's own; the others have the bits above.</summary>
    FirstOfTarget = 2,
}
