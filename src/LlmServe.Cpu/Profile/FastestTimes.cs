namespace LlmServe.Cpu.Profile;

/// <summary>
/// The fastest of several measurements of each of many things: what disturbs one only ever adds to it. Figures that are differences of times must be taken of
/// the fastest times, since those a disturbance can make smaller as well.
/// </summary>
internal sealed class FastestTimes<TKey>
    where TKey : notnull
{
    private readonly Dictionary<TKey, double> _seconds = [];

    /// <summary>The fastest time measured of <paramref name="key"/>, with <paramref name="seconds"/> as the latest.</summary>
    public double With(TKey key, double seconds) => _seconds[key] = Math.Min(seconds, _seconds.GetValueOrDefault(key, double.PositiveInfinity));
}
