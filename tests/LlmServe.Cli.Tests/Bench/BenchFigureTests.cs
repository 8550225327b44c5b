using LlmServe.Cli.App;
using LlmServe.Cli.Bench;
using LlmServe.Gguf;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests.Bench;

/// <summary>The arithmetic of reports.</summary>
public class BenchFigureTests
{
    [Theory]
    [InlineData(2.0, 3.0, 1.0, 2.0)]
    [InlineData(2.5, 4.0, 1.0, 2.0, 3.0)]
    [InlineData(7.0, 7.0)]
    [InlineData(double.NaN)]
    public void Median_Values_IsTheMiddle(double expected, params double[] values) => Assert.Equal(expected, SeriesOf(values).Median);

    [Theory]
    [InlineData(0.5, 50)]
    [InlineData(0.99, 99)]
    [InlineData(0.991, 100)]
    [InlineData(0, 1)]
    [InlineData(1, 100)]
    public void Quantile_OneToHundred_IsTheNearestRank(double share, double expected) =>
        Assert.Equal(expected, SeriesOf([.. Enumerable.Range(1, 100).Reverse().Select(i => (double)i)]).Quantile(share));

    [Fact]
    public void Within_SmallContext_DropsWhatDoesNotFit()
    {
        var plan = BenchPlan.Full.Within(600);

        Assert.Equal([32, 128, 512], plan.Prompts);
        Assert.Equal([0, 512], plan.Contexts);
        Assert.Equal(576, plan.Positions);
    }

    [Fact]
    public void Within_TooSmallContext_IsRefusedWithItsSize() =>
        Assert.Contains("holds 31 positions", Assert.Throws<CliException>(() => BenchPlan.Full.Within(31)).Message, StringComparison.Ordinal);

    [Fact]
    public void WeightTraffic_TiedModel_CountsTheEmbeddingAsOutput()
    {
        using var file = GgufFile.Open(TestData.EmbeddedModel);

        var traffic = WeightTraffic.Of(file);

        // SmolLM2-135M: 30 layers of 576 columns, 9 and 3 heads of 64, 1536 in the feed-forward part; 49152 tokens.
        Assert.Equal(30L * ((2 * 576 * 576) + (2 * 576 * 192) + (3 * 576 * 1536)), traffic.BodyMultiplyAdds);
        Assert.Equal(49152L * 576, traffic.OutputMultiplyAdds);
        Assert.Equal(file.Tensors.Sum(tensor => tensor.ByteLength), traffic.Bytes);
    }

    [Fact]
    public void ReadCpu_HiddenName_ShowsFamilyAndKnownFeatures()
    {
        string[] lines = ["processor\t: 0", "cpu family\t: 25", "model\t\t: 17", "model name\t: AMD EPYC", "flags\t\t: fpu avx2 avx512_vnni fma other"];

        Assert.Equal(("AMD EPYC (family 25, model 17)", "avx2 fma avx512_vnni"), MachineInfo.ReadCpu(lines));
    }

    [Fact]
    public void ReadCpu_Nothing_SaysSo()
    {
        var (cpu, features) = MachineInfo.ReadCpu([]);

        Assert.StartsWith("unknown ", cpu, StringComparison.Ordinal);
        Assert.Empty(features);
    }

    [Fact]
    public void NegativeLogLikelihood_EqualLogits_IsTheLogarithmOfTheirNumber()
    {
        float[] logits = [-3f, -3f, -3f, -3f];

        Assert.Equal(Math.Log(4), Perplexity.NegativeLogLikelihood(logits, 2), 12);
    }

    [Fact]
    public void NegativeLogLikelihood_LargeLogits_StaysFinite()
    {
        float[] logits = [1000f, 999f];

        Assert.Equal(Math.Log(1 + Math.E), Perplexity.NegativeLogLikelihood(logits, 1), 6);
    }

    private static Series SeriesOf(double[] values)
    {
        var series = new Series();
        Array.ForEach(values, series.Add);
        return series;
    }
}
