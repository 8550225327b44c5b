namespace LlmServe.Engine.Planning;

/// <summary>
/// How the last predictions of one kind turned out: what was measured over what was predicted. Ranges are drawn so that four of five of these would have
/// fallen inside. Not thread-safe.
/// </summary>
internal sealed class PredictionErrors
{
    private const int Remembered = 64;

    /// <summary>What is assumed before anything was measured: spread as on a machine that others use too.</summary>
    private static readonly double[] Assumed = [0.6, 0.75, 0.85, 0.9, 0.95, 1, 1, 1.05, 1.1, 1.2, 1.4, 1.8];

    private readonly double[] _ratios = new double[Remembered]; // the last ones in any order
    private readonly double[] _sorted = new double[Remembered];
    private int _count;
    private int _next;

    public PredictionErrors()
    {
        foreach (double ratio in Assumed)
        {
            Add(1, ratio);
        }
    }

    /// <summary>Takes in how a prediction turned out.</summary>
    public void Add(double predicted, double measured)
    {
        if (predicted > 0 && measured > 0)
        {
            _ratios[_next] = measured / predicted;
            _next = (_next + 1) % Remembered;
            _count = Math.Min(_count + 1, Remembered);
            _ratios.AsSpan(0, _count).CopyTo(_sorted);
            _sorted.AsSpan(0, _count).Sort();
        }
    }

    /// <summary>Where the value should fall that is predicted as <paramref name="predicted"/>.</summary>
    public PredictedRange RangeOf(double predicted) => new(predicted * Quantile(0.1), predicted * Quantile(0.9));

    /// <summary>The share of ratios below which a new one lies with this chance: between two of those seen, as if it were one more of them.</summary>
    private double Quantile(double chance)
    {
        double place = (chance * (_count + 1)) - 1;
        int low = Math.Clamp((int)Math.Floor(place), 0, _count - 1);
        int high = Math.Min(low + 1, _count - 1);
        return _sorted[low] + ((_sorted[high] - _sorted[low]) * Math.Clamp(place - low, 0, 1));
    }
}
