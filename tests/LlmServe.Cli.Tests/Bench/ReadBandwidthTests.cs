using LlmServe.Cli.Bench;

namespace LlmServe.Cli.Tests.Bench;

public class ReadBandwidthTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Measure_AnyThreads_IsPlausible(int threads)
    {
        var bandwidth = new ReadBandwidth(threads, 32 << 20);

        // Between a very slow disk and ten times the fastest memory of a single socket.
        Assert.InRange(bandwidth.Measure(), 1e7, 1e13);
        Assert.InRange(bandwidth.Bytes, 31 << 20, 32 << 20);
    }

    [Fact]
    public void Constructor_BufferWithoutAStep_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReadBandwidth(4, 64));
}
