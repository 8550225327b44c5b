using LlmServe.Execution;

namespace LlmServe.Compiler.Cost;

/// <summary>The time of a program's ticks, precomputed: predicting a tick takes well under a microsecond and allocates nothing.</summary>
public sealed class TickCost
{
    private readonly LaneCost[] _costs; // [kinds, lanes]
    private readonly int[] _counts;     // [kinds]
    private readonly int _lanes;
    private readonly int _queryHeads;
    private readonly double _fixed;

    /// <param name="phases">Costs of the lanes of every phase; equal phases are kept once.</param>
    /// <param name="lanes">Lanes of the program.</param>
    /// <param name="queryHeads">Heads of attention.</param>
    /// <param name="overhead">Seconds beside the work of the phases: all barriers, start and end of the tick.</param>
    internal TickCost(IEnumerable<LaneCost[]> phases, int lanes, int queryHeads, double overhead)
    {
        var kinds = new List<LaneCost[]>();
        var counts = new List<int>();
        foreach (var phase in phases)
        {
            int known = kinds.FindIndex(kind => kind.AsSpan().SequenceEqual(phase));
            if (known < 0)
            {
                known = kinds.Count;
                kinds.Add(phase);
                counts.Add(0);
            }

            counts[known]++;
        }

        _costs = [.. kinds.SelectMany(kind => kind)];
        _counts = [.. counts];
        _lanes = lanes;
        _queryHeads = queryHeads;
        _fixed = overhead;
    }

    /// <summary>Kinds of phases that differ in cost.</summary>
    public int Kinds => _counts.Length;

    /// <summary>Predicted seconds of a tick.</summary>
    public double Seconds(in TickLoad load)
    {
        double total = _fixed;
        for (int kind = 0; kind < _counts.Length; kind++)
        {
            double slowest = 0;
            for (int lane = 0; lane < _lanes; lane++)
            {
                slowest = Math.Max(slowest, _costs[(kind * _lanes) + lane].Seconds(lane, _lanes, _queryHeads, load));
            }

            total += slowest * _counts[kind];
        }

        return total;
    }
}
