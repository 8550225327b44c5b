using LlmServe.Cli.Bench;

namespace LlmServe.Cli.Tests;

public class BenchTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Measure_AnyThreads_IsPlausible(int threads)
    {
        double bandwidth = ReadBandwidth.Measure(threads, 32 << 20, passes: 2);

        // Between a very slow disk and ten times the fastest memory of a single socket.
        Assert.InRange(bandwidth, 1e7, 1e13);
    }

    [Fact]
    public void Measure_BufferWithoutAVector_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ReadBandwidth.Measure(4, 64));

    [Theory]
    [InlineData(2.0, 3.0, 1.0, 2.0)]
    [InlineData(2.5, 4.0, 1.0, 2.0, 3.0)]
    [InlineData(7.0, 7.0)]
    public void Median_Values_IsTheMiddle(double expected, params double[] values) => Assert.Equal(expected, BenchResult.Median(values));
}
