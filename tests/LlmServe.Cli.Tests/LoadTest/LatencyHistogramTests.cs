using FsCheck;
using FsCheck.Fluent;
using LlmServe.Cli.LoadTest;

namespace LlmServe.Cli.Tests.LoadTest;

public class LatencyHistogramTests
{
    private const double Nanosecond = 1e-9;

    private static readonly double[] Shares = [0, 0.01, 0.5, 0.9, 0.99, 1];

    [Fact]
    public void Quantile_AnyTimes_IsWithinOnePercentOfTheNearestRank()
    {
        // From a nanosecond to an hour, every order of magnitude alike.
        var time = Gen.Choose(0, 1 << 20).Select(x => Nanosecond * Math.Pow(3600 / Nanosecond, x / (double)(1 << 20)));
        var times = Gen.NonEmptyListOf(time).Select(list => list.ToArray()).ToArbitrary();

        Check.One(Config.QuickThrowOnFailure.WithReplay(new Replay(new Rnd(7, 11), null)).WithMaxTest(500), Prop.ForAll(times, IsNear));
    }

    [Fact]
    public void Quantile_EveryBucketBorder_StaysWithinTheError()
    {
        for (int bits = 0; bits < 43; bits++)
        {
            foreach (long nanoseconds in new[] { (1L << bits) - 1, 1L << bits, (1L << bits) + 1, 3L << Math.Max(0, bits - 1) })
            {
                var histogram = new LatencyHistogram();
                histogram.Add(nanoseconds / 1e9);
                histogram.Add(nanoseconds * 1.5 / 1e9);
                histogram.Add(nanoseconds * 2 / 1e9);

                double expected = Math.Round(nanoseconds * 1.5);
                Assert.InRange(histogram.Quantile(0.5) * 1e9, expected * (1 - LatencyHistogram.RelativeError) - 1, expected * (1 + LatencyHistogram.RelativeError) + 1);
            }
        }
    }

    [Fact]
    public void Statistics_OfNothing_AreNotANumber()
    {
        var histogram = new LatencyHistogram();

        Assert.True(double.IsNaN(histogram.Quantile(0.5)) && double.IsNaN(histogram.Max) && double.IsNaN(histogram.Mean));
        Assert.Equal(0, histogram.Count);
    }

    [Fact]
    public void Add_TimesOutOfRange_AreClamped()
    {
        var histogram = new LatencyHistogram();

        histogram.Add(-1);
        histogram.Add(1e9);

        Assert.Equal(0, histogram.Quantile(0.5));
        Assert.InRange(histogram.Max, 4 * 3600, 5 * 3600);
    }

    private static bool IsNear(double[] times)
    {
        var histogram = new LatencyHistogram();
        foreach (double time in times)
        {
            histogram.Add(time);
        }

        double[] sorted = [.. times.Order()];
        return histogram.Count == times.Length
            && Math.Abs(histogram.Max - sorted[^1]) <= Nanosecond
            && Math.Abs(histogram.Mean - times.Average()) <= 1e-6 * times.Average() + Nanosecond
            && Shares.All(share =>
            {
                double exact = sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
                return Math.Abs(histogram.Quantile(share) - exact) <= 0.01 * exact + Nanosecond;
            });
    }
}
