using LlmServe.Cli.App;
using LlmServe.Cli.Bench;
using LlmServe.Testing.Fakes;

namespace LlmServe.Cli.Tests.Bench;

/// <summary>What is run, on an executor that refuses wrong positions, tokens and KV blocks.</summary>
public class BenchRunnerTests
{
    private static readonly ReadBandwidth Bandwidth = new(1, 1 << 20);

    [Fact]
    public void Measure_Plan_RunsEveryPointInEveryRound()
    {
        using var executor = new FakeExecutor(new FakeExecutorOptions { MaxRows = 32, MaxSequences = 5, SecondsPerRow = 0.001 });
        var plan = new BenchPlan([40, 8], [16, 0], Generate: 4, Runs: 3, Streams: 5);

        var figures = new BenchRunner(executor, plan, Bandwidth).Measure(default);

        Assert.Equal([8, 40], figures.Prefill.Select(point => point.Tokens));
        Assert.All(figures.Prefill, point => Assert.Equal(3, point.Rates.Values.Count));
        Assert.Equal([0, 16], figures.Decode.Select(point => point.Context));
        Assert.All(figures.Decode, point => Assert.Equal((3, 12), (point.Rates.Values.Count, point.Ticks.Values.Count)));
        Assert.Equal([1, 2, 4, 8, 16, 32], figures.Buckets.Select(point => point.Rows));
        Assert.All(figures.Buckets, point => Assert.Equal(3, point.Ticks.Values.Count));
        Assert.Equal(3, figures.Bandwidth.Values.Count);
        Assert.Equal(3, figures.Streams!.Rates.Values.Count);
        Assert.All(figures.Streams.PromptRates.Values, rate => Assert.True(rate > 0));

        // Filling 40 positions, then four rounds (one warms up): both prompts, two decodes of 4, the buckets, a prompt of 40 with all logits, 4 ticks of 5.
        Assert.Equal(40 + (4 * (40 + 8 + (2 * 4) + 63 + 40 + 20)), executor.TotalRows);
    }

    [Fact]
    public void Measure_Predictions_AreTheExecutors()
    {
        using var executor = new FakeExecutor(new FakeExecutorOptions { MaxRows = 32, SecondsPerTick = 0.5, SecondsPerRow = 0.001 });

        var figures = new BenchRunner(executor, new BenchPlan([40], [0], 4, 1, 0), Bandwidth).Measure(default);

        Assert.Equal(1.04, figures.Prefill[0].Predicted, 9);
        Assert.Equal(0.501, figures.Decode[0].Predicted, 9);
        Assert.Equal(0.532, figures.Buckets[^1].Predicted, 9);
        Assert.Null(figures.Streams);
    }

    [Fact]
    public void Constructor_MoreStreamsThanBlocks_IsRefused()
    {
        using var executor = new FakeExecutor(new FakeExecutorOptions { KvBlocks = 4, MaxSequences = 8 });

        var error = Assert.Throws<CliException>(() => new BenchRunner(executor, new BenchPlan([8], [0], 4, 1, 8), Bandwidth));

        Assert.Contains("4 blocks", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Measure_Cancelled_Stops()
    {
        using var executor = new FakeExecutor();

        Assert.Throws<OperationCanceledException>(() =>
            new BenchRunner(executor, new BenchPlan([8], [0], 4, 1, 0), Bandwidth).Measure(new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Perplexity_CertainModel_IsOneAndSkipsTheFirstOfEachWindow()
    {
        // The fake is all but certain that every token is followed by its successor.
        using var executor = new FakeExecutor(new FakeExecutorOptions { Next = history => (history[^1] + 1) % 200 });
        int[] ids = [.. Enumerable.Range(0, 700).Select(i => i % 200)];

        var result = Perplexity.Measure(executor, ids, default);

        Assert.Equal(700 - 2, result.Tokens);
        Assert.Equal(1, result.Value, 6);
    }
}
