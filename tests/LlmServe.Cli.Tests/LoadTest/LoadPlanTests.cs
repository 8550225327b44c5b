using LlmServe.Cli.LoadTest;

namespace LlmServe.Cli.Tests.LoadTest;

/// <summary>What is sent: lengths, arrivals, requests, and which answers are kept.</summary>
public class LoadPlanTests
{
    private static readonly int[] Words = [.. Enumerable.Range(100, 50)];

    [Theory]
    [InlineData("128", 128, 128)]
    [InlineData("16-400", 16, 400)]
    [InlineData("7-7", 7, 7)]
    [InlineData("100:20", 40, 160)]
    [InlineData("10:20", 1, 70)]
    public void LengthRange_Parsed_DrawsOnlyWhatItAllows(string text, int least, int most)
    {
        Assert.True(LengthRange.TryParse(text, out var range));
        var random = new Random(1);
        int[] drawn = [.. Enumerable.Range(0, 2000).Select(_ => range.Draw(random))];

        Assert.Equal((least, most), (range.Least, range.Most));
        Assert.Equal(text, text == "7-7" ? "7-7" : range.ToString());
        Assert.All(drawn, length => Assert.InRange(length, least, most));
        Assert.Equal(least == most, drawn.Distinct().Count() == 1);
    }

    [Fact]
    public void LengthRange_MeanAndDeviation_AreThoseOfTheDraws()
    {
        Assert.True(LengthRange.TryParse("500:50", out var range));
        var random = new Random(1);
        double[] drawn = [.. Enumerable.Range(0, 10_000).Select(_ => (double)range.Draw(random))];
        double mean = drawn.Average();

        Assert.InRange(mean, 498, 502);
        Assert.InRange(Math.Sqrt(drawn.Average(x => (x - mean) * (x - mean))), 48, 51);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("5-")]
    [InlineData("9-3")]
    [InlineData("1-2-3")]
    [InlineData("1:2-3")]
    [InlineData("x")]
    [InlineData("99999999999")]
    [InlineData("2000000")]
    public void LengthRange_Nonsense_IsRefused(string text) => Assert.False(LengthRange.TryParse(text, out _));

    [Theory]
    [InlineData("closed", "closed")]
    [InlineData("BURST", "burst")]
    [InlineData("poisson:2.5", "poisson:2.5")]
    public void ArrivalPattern_KnownName_IsRead(string text, string shown)
    {
        Assert.True(ArrivalPattern.TryParse(text, out var pattern));
        Assert.Equal(shown, pattern.ToString());
    }

    [Theory]
    [InlineData("open")]
    [InlineData("poisson")]
    [InlineData("poisson:0")]
    [InlineData("poisson:-1")]
    [InlineData("poisson:NaN")]
    [InlineData("poisson:1e9")]
    public void ArrivalPattern_Nonsense_IsRefused(string text) => Assert.False(ArrivalPattern.TryParse(text, out _));

    [Fact]
    public void RequestFactory_SameSeedAndNumber_GivesTheSameRequest()
    {
        var plan = new LoadTestPlan { PromptTokens = new LengthRange(5, 50), OutputTokens = new LengthRange(1, 30), CancelShare = 0.5, SharedPrefix = 40, Seed = 3 };
        var (first, again, other) = (new RequestFactory(plan, Words), new RequestFactory(plan, Words), new RequestFactory(plan with { Seed = 4 }, Words));

        for (long number = 0; number < 100; number++)
        {
            var request = first.Create(number);
            Assert.Equal(request.Prompt, again.Create(number).Prompt);
            Assert.Equal(request with { Prompt = [] }, again.Create(number) with { Prompt = [] }, (a, b) => Same(a, b));
            Assert.NotEqual(request.Prompt, other.Create(number).Prompt);
            Assert.Equal(first.Create(0).Prompt[..40], request.Prompt[..40]);
            Assert.NotEqual(first.Create(number + 1).Prompt[40..], request.Prompt[40..]);
            Assert.InRange(request.Prompt.Length, 45, 90);
            Assert.InRange(request.TurnAfter, 0, request.OutputTokens - 1);
            Assert.All(request.Prompt, id => Assert.Contains(id, Words));
        }
    }

    [Fact]
    public void RequestFactory_Shares_AreThoseOfTheReaders()
    {
        var factory = new RequestFactory(new LoadTestPlan { CancelShare = 0.2, SlowShare = 0.1, DisconnectShare = 0.05, PromptTokens = LengthRange.Always(1) }, Words);
        var readers = Enumerable.Range(0, 20_000).Select(number => factory.Create(number).Reader).CountBy(reader => reader).ToDictionary();

        Assert.InRange(readers[ReaderKind.Cancels], 3800, 4200);
        Assert.InRange(readers[ReaderKind.Slow], 1850, 2150);
        Assert.InRange(readers[ReaderKind.Disconnects], 880, 1120);
    }

    [Fact]
    public void AnswerStore_MoreThanItHolds_KeepsAFairChoice()
    {
        var store = new AnswerStore(100, seed: 5);
        for (int i = 0; i < 10_000; i++)
        {
            store.Offer(i, [i, i + 1]);
        }

        Assert.Equal((100, 10_000), (store.Kept.Count, store.Offered));
        Assert.All(store.Kept, answer => Assert.Equal([(int)answer.Number, (int)answer.Number + 1], answer.Tokens));
        Assert.InRange(store.Kept.Average(answer => answer.Number), 4000, 6000);
    }

    [Fact]
    public void SoakResult_GrowthBeyondNoise_IsAViolation()
    {
        Assert.Empty(Soak(i => 300_000_000 + (i % 2) * 5_000_000).Violations);
        Assert.Empty(Soak(i => i < 15 ? i * 50_000_000L : 750_000_000).Violations);
        Assert.Equal(["resident memory grows"], Soak(i => 300_000_000 + i * 5_000_000L).Violations);
        Assert.Equal(300e6, Soak(i => 300_000_000 + i * 5_000_000L).ResidentSlope, 1e3);
        Assert.Equal(
            ["3 KV blocks did not come back", "1 sequences were left behind without a client"],
            (Soak(_ => 1) with { LostBlocks = 3, LeftSequences = 1 }).Violations);
    }

    private static SoakResult Soak(Func<int, long> resident) =>
        new([.. Enumerable.Range(0, 30).Select(i => new SoakSample(i * 60, resident(i), 20_000_000, 100, 1, 0, 1, i))], 0, 0);

    private static bool Same(LoadRequest a, LoadRequest b) =>
        (a.Number, a.OutputTokens, a.Reader, a.TurnAfter, a.Pause) == (b.Number, b.OutputTokens, b.Reader, b.TurnAfter, b.Pause);
}
