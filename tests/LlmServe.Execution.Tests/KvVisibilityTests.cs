namespace LlmServe.Execution.Tests;

public class KvVisibilityTests
{
    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(0, 0, 1000, 0)]
    [InlineData(16, 0, 15, 0)]
    [InlineData(16, 0, 16, 1)]
    [InlineData(1, 0, 7, 7)]
    [InlineData(0, 8, 7, 0)]
    [InlineData(0, 8, 8, 8)]
    [InlineData(4, 8, 13, 10)]
    [InlineData(4, 8, 9, 8)]
    public void First_OfAPosition_IsTheLaterOfWindowAndChunk(int window, int chunk, int position, int first) =>
        Assert.Equal(first, new KvVisibility(window, chunk).First(position));

    [Fact]
    public void First_OfLaterPositions_NeverGoesBack()
    {
        foreach (var visibility in (KvVisibility[])[KvVisibility.All, new(5), new(0, 7), new(5, 7), new(9, 7)])
        {
            for (int position = 1; position < 100; position++)
            {
                Assert.InRange(visibility.First(position), visibility.First(position - 1), position);
            }
        }
    }
}
