using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Cost;

/// <summary>
/// Seconds that a lane works, as a function of a tick's load: the instructions of a lane between two barriers add up to one of these. Rows can be all of a
/// tick's, or a lane's share of them, which is the largest that a lane gets.
/// </summary>
/// <param name="Fixed">Whatever the rows.</param>
/// <param name="PerRow">Per row.</param>
/// <param name="PerShareRow">Per row of the lane's share.</param>
/// <param name="SelectedFixed">When any row is selected.</param>
/// <param name="PerSelected">Per selected row.</param>
/// <param name="PerSelectedShare">Per selected row of the lane's share.</param>
/// <param name="Attention">What attention adds; there is one at most between two barriers.</param>
/// <param name="Experts">What chosen experts add.</param>
internal readonly record struct LaneCost(
    double Fixed, double PerRow, double PerShareRow, double SelectedFixed, double PerSelected, double PerSelectedShare,
    AttentionCost Attention, ExpertCost Experts)
{
    public static LaneCost operator +(in LaneCost a, in LaneCost b) => new(
        a.Fixed + b.Fixed, a.PerRow + b.PerRow, a.PerShareRow + b.PerShareRow,
        a.SelectedFixed + b.SelectedFixed, a.PerSelected + b.PerSelected, a.PerSelectedShare + b.PerSelectedShare,
        a.Attention + b.Attention, a.Experts + b.Experts);

    /// <summary>
    /// The cost of an instruction over columns and rows. The first row of a matrix reads the weights; further rows find them in a cache. Whole rows cost the same
    /// each.
    /// </summary>
    public static LaneCost OfRectangle(in CostContext context, in Instruction i)
    {
        double units = i.Opcode.UnitsPerRow(context.Program, i) * i.Copies, next = units * context.Time.Next;
        if (i.EndShare - i.FirstShare < context.Program.Lanes)
        {
            return i.Selected ? default(LaneCost) with { PerSelectedShare = next } : default(LaneCost) with { PerShareRow = next };
        }

        double fromMemory = context.Time.FirstFromMemory > 0 ? units * context.Time.FirstFromMemory : i.Bytes * context.SecondsPerByte;
        double first = Math.Max(fromMemory, units * context.Time.First) - next;
        return i.Selected
            ? default(LaneCost) with { SelectedFixed = first, PerSelected = next }
            : default(LaneCost) with { Fixed = first, PerRow = next };
    }

    /// <summary>Seconds for a load.</summary>
    public double Seconds(int lanes, in TickLoad load)
    {
        double seconds = Fixed + (PerRow * load.Rows) + (PerShareRow * Share(load.Rows, lanes)) + Attention.Seconds(lanes, load) + Experts.Seconds(load.Rows);
        return load.Selected == 0 ? seconds : seconds + SelectedFixed + (PerSelected * load.Selected) + (PerSelectedShare * Share(load.Selected, lanes));
    }

    /// <summary>Whether this lane never finishes before the other.</summary>
    public bool Dominates(in LaneCost other) =>
        Fixed >= other.Fixed && PerRow >= other.PerRow && PerShareRow >= other.PerShareRow && SelectedFixed >= other.SelectedFixed
        && PerSelected >= other.PerSelected && PerSelectedShare >= other.PerSelectedShare
        && Attention == other.Attention && Experts == other.Experts;

    /// <summary>The largest share of a lane.</summary>
    internal static long Share(long count, int lanes) => (count + lanes - 1) / lanes;
}
