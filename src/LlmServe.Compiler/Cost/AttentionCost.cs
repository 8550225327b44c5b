using LlmServe.Execution;

namespace LlmServe.Compiler.Cost;

/// <summary>What a lane's share of a layer's attention takes.</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="Visible">Most positions that a row sees; 0: all.</param>
/// <param name="PerHead">Per head in the lane's share of (single row, head) pairs.</param>
/// <param name="PerHeadPosition">Per such head and position of context.</param>
/// <param name="PerRunHead">Per head in the lane's share of (row of a run, head) pairs.</param>
/// <param name="PerRunHeadPosition">Per such head and position of context.</param>
internal readonly record struct AttentionCost(
    int Heads, int Visible, double PerHead, double PerHeadPosition, double PerRunHead, double PerRunHeadPosition)
{
    /// <summary>The two of which at most one is something, or both are alike.</summary>
    public static AttentionCost operator +(in AttentionCost a, in AttentionCost b) =>
        a.Heads == 0 ? b : b.Heads == 0 ? a : a with
        {
            PerHead = a.PerHead + b.PerHead, PerHeadPosition = a.PerHeadPosition + b.PerHeadPosition,
            PerRunHead = a.PerRunHead + b.PerRunHead, PerRunHeadPosition = a.PerRunHeadPosition + b.PerRunHeadPosition,
        };

    /// <summary>Seconds for a load.</summary>
    public double Seconds(int lanes, in TickLoad load)
    {
        if (Heads == 0)
        {
            return 0;
        }

        // Single rows are cut between segments and heads.
        int context = Visible > 0 ? Math.Min(load.Context, Visible) : load.Context;
        long segments = Math.Max(1, AttentionSegment.CountFor(context));
        return ((PerHead + (PerHeadPosition * context)) * LaneCost.Share((load.Rows - load.RunRows) * Heads * segments, lanes) / segments)
            + ((PerRunHead + (PerRunHeadPosition * context)) * load.RunRows * Heads / lanes);
    }
}
