namespace LlmServe.Cli.Bench;

/// <summary>Repeated measurements of one quantity.</summary>
internal sealed class Series
{
    private readonly List<double> _values = [];

    /// <summary>In the order of measuring.</summary>
    public IReadOnlyList<double> Values => _values;

    /// <summary>The middle value; of an even number the mean of the middle two; NaN of none.</summary>
    public double Median
    {
        get
        {
            double[] sorted = Sorted();
            int middle = sorted.Length / 2;
            return sorted.Length == 0 ? double.NaN
                : sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        }
    }

    /// <summary>Adds a measurement.</summary>
    public void Add(double value) => _values.Add(value);

    /// <summary>The smallest value that at least <paramref name="share"/> of all do not exceed (nearest rank); NaN of none.</summary>
    /// <param name="share">0 … 1.</param>
    public double Quantile(double share)
    {
        double[] sorted = Sorted();
        return sorted.Length == 0 ? double.NaN : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
    }

    private double[] Sorted() => [.. _values.Order()];
}
