using LlmServe.Cli.Bench;

namespace LlmServe.Cli.Tests.Bench;

public class NoiseTests
{
    [Theory]
    [InlineData(0.02, "noise: other programs used 2% of the processors")]
    [InlineData(0.5, "noise: other programs used 50% of the processors; the machine was BUSY: all figures are too low, measure again on a quiet one")]
    public void Describe_OtherPrograms_AreSaid(double others, string expected)
    {
        Assert.Equal(expected, NoiseResult.Of(others, []).Describe());
    }

    [Fact]
    public void Describe_RoundsThatDiffer_AreSaid()
    {
        Assert.Equal("noise: other programs used 0% of the processors; rounds of a point differ by 12%", new NoiseResult(0, 0.12).Describe());
    }
}
