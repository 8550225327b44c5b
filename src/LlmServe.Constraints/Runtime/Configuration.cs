namespace LlmServe.Constraints.Runtime;

/// <summary>Where reading stands: heads (a state, and the stacks below it) in a machine's block.</summary>
/// <param name="Begin">The first head.</param>
/// <param name="KernelEnd">Past the last head that was read to; those from here on are starts of rules that these call.</param>
/// <param name="End">Past the last head.</param>
/// <param name="Complete">Whether the text so far is whole.</param>
internal readonly record struct Configuration(int Begin, int KernelEnd, int End, bool Complete)
{
    /// <summary>Whether the text so far is no beginning of any text.</summary>
    public bool IsDead => End == Begin && !Complete;

    /// <summary>Whether nothing can follow.</summary>
    public bool IsOver => End == Begin;

    /// <summary>The same at another place.</summary>
    public Configuration MovedBy(int places) => new(Begin + places, KernelEnd + places, End + places, Complete);
}
