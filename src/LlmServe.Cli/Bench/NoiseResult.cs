using System.Globalization;

namespace LlmServe.Cli.Bench;

/// <summary>How far the figures can be trusted: what else ran on the machine, and how much repeated measurements differ.</summary>
/// <param name="Others">Share of all processors' time that other programs used while it was measured; 0 where the system does not tell.</param>
/// <param name="Spread">Largest less smallest value of a point over its median, the median over all points; NaN of a single round.</param>
internal sealed record NoiseResult(double Others, double Spread)
{
    /// <summary>Other programs' share of the processors from which on figures say little.</summary>
    public const double BusyShare = 0.1;

    /// <summary>Whether the figures are those of a busy machine.</summary>
    public bool IsBusy => Others > BusyShare;

    /// <summary>The noise of results that were measured beside other programs' <paramref name="others"/>.</summary>
    public static NoiseResult Of(double others, IEnumerable<ModelResult> results)
    {
        var spreads = new Series();
        foreach (var series in results.SelectMany(Points).Where(series => series.Values.Count > 1))
        {
            spreads.Add((series.Values.Max() - series.Values.Min()) / series.Median);
        }

        return new NoiseResult(others, spreads.Median);
    }

    /// <summary>One line for people.</summary>
    public string Describe()
    {
        string spread = double.IsNaN(Spread) ? "" : string.Create(CultureInfo.InvariantCulture, $"; rounds of a point differ by {Spread:0%}");
        string busy = IsBusy ? "; the machine was BUSY: all figures are too low, measure again on a quiet one" : "";
        return string.Create(CultureInfo.InvariantCulture, $"noise: other programs used {Others:0%} of the processors{spread}{busy}");
    }

    private static IEnumerable<Series> Points(ModelResult result) =>
        result.Prefill.Select(point => point.Rates).Concat(result.Decode.Select(point => point.Rates)).Concat(result.Buckets.Select(point => point.Ticks));
}
