using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Cost;

/// <summary>When an instruction runs, in seconds from the start of its phase.</summary>
/// <param name="Offset">Start.</param>
/// <param name="Seconds">Duration.</param>
public readonly record struct Interval(double Offset, double Seconds);

/// <summary>When the lanes of a phase work.</summary>
/// <param name="Seconds">From the barrier before to the barrier after.</param>
/// <param name="Lanes">For each lane, its instructions in order.</param>
public sealed record PhaseTimes(double Seconds, IReadOnlyList<IReadOnlyList<Interval>> Lanes);

/// <summary>A tick in time: predicted by <see cref="CostModel"/>, or measured by an <see cref="IMeasuringExecutor"/>.</summary>
/// <param name="Program">What was played.</param>
/// <param name="Phases">One entry per phase.</param>
/// <param name="Seconds">The whole tick.</param>
public sealed record Timeline(StreamProgram Program, IReadOnlyList<PhaseTimes> Phases, double Seconds)
{
    /// <summary>The medians, number by number, of ticks of one program.</summary>
    /// <exception cref="ArgumentException">There is none, or the programs differ.</exception>
    public static Timeline Median(IReadOnlyList<Timeline> ticks)
    {
        if (ticks.Count == 0 || ticks.Any(t => !ReferenceEquals(t.Program, ticks[0].Program)))
        {
            throw new ArgumentException("medians need at least one tick, all of one program", nameof(ticks));
        }

        var phases = ticks[0].Phases.Select((phase, p) => new PhaseTimes(
            Middle(ticks.Select(t => t.Phases[p].Seconds)),
            [.. phase.Lanes.Select((lane, l) => lane.Select((_, i) => Middle(ticks.Select(t => t.Phases[p].Lanes[l][i]))).ToArray())]));
        return new Timeline(ticks[0].Program, [.. phases], Middle(ticks.Select(t => t.Seconds)));
    }

    private static Interval Middle(IEnumerable<Interval> values)
    {
        Interval[] all = [.. values];
        return new Interval(Middle(all.Select(i => i.Offset)), Middle(all.Select(i => i.Seconds)));
    }

    private static double Middle(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
