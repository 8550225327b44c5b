using LlmServe.Execution;

namespace LlmServe.Compiler.Cost;

/// <summary>
/// The time of a program's ticks, tabulated: for each kind of phase the lanes that can be its slowest, so that a look-up takes as long for many lanes as for
/// few. It allocates nothing.
/// </summary>
public sealed class TickCost
{
    private readonly LaneCost[] _costs; // those of a kind of phase stand together
    private readonly (int End, int Count)[] _kinds; // where the costs of a kind end, and how many phases are of it
    private readonly int _lanes;
    private readonly double _fixed;

    /// <param name="phases">Costs of the lanes of every phase.</param>
    /// <param name="lanes">Lanes of the program.</param>
    /// <param name="overhead">Seconds beside the work of the phases: all barriers, start and end of the tick.</param>
    internal TickCost(IEnumerable<LaneCost[]> phases, int lanes, double overhead)
    {
        var kinds = new List<(LaneCost[] Slowest, int Count)>();
        foreach (var phase in phases)
        {
            var slowest = Undominated(phase);
            int known = kinds.FindIndex(kind => kind.Slowest.AsSpan().SequenceEqual(slowest));
            if (known < 0)
            {
                kinds.Add((slowest, 1));
            }
            else
            {
                kinds[known] = (slowest, kinds[known].Count + 1);
            }
        }

        _costs = [.. kinds.SelectMany(kind => kind.Slowest)];
        _kinds = new (int, int)[kinds.Count];
        int end = 0;
        for (int i = 0; i < kinds.Count; i++)
        {
            end += kinds[i].Slowest.Length;
            _kinds[i] = (end, kinds[i].Count);
        }

        _lanes = lanes;
        _fixed = overhead;
    }

    /// <summary>Kinds of phases that differ in cost.</summary>
    public int Kinds => _kinds.Length;

    /// <summary>Costs of lanes that are kept: a prediction looks at each.</summary>
    internal int Entries => _costs.Length;

    /// <summary>Predicted seconds of a tick.</summary>
    public double Seconds(in TickLoad load)
    {
        double total = _fixed;
        int at = 0;
        foreach (var (end, count) in _kinds)
        {
            double slowest = 0;
            for (; at < end; at++)
            {
                slowest = Math.Max(slowest, _costs[at].Seconds(_lanes, load));
            }

            total += slowest * count;
        }

        return total;
    }

    /// <summary>The lanes of which each can be the slowest, in an order that does not depend on which lane is which.</summary>
    private static LaneCost[] Undominated(LaneCost[] lanes)
    {
        var kept = new List<LaneCost>();
        foreach (var lane in lanes.Distinct())
        {
            if (!kept.Exists(other => other.Dominates(lane)))
            {
                kept.RemoveAll(other => lane.Dominates(other));
                kept.Add(lane);
            }
        }

        return [.. kept];
    }
}
