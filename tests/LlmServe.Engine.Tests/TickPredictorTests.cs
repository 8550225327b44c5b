using LlmServe.Engine.Scheduling;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>Predictions follow what ticks really take.</summary>
public class TickPredictorTests
{
    [Fact]
    public void TypicalSeconds_AFewSlowTicks_IsWhatMostTicksTook()
    {
        var executor = new FakeExecutor(new FakeExecutorOptions { SecondsPerRow = 0.001 });
        var predictor = new TickPredictor(executor, learns: true);
        for (int i = 0; i < 40; i++)
        {
            executor.Rows.Clear();
            executor.Rows.Add(0, 0, 0, true);
            predictor.Learn(i % 4 == 0 ? 0.004 : 0.0011);
        }

        Assert.Equal(0.0011, predictor.TypicalSeconds(1, 1, 0), 6);
        Assert.Equal(0.004, predictor.Seconds(1, 1, 0), 6);
        Assert.Equal(0.022, predictor.TypicalSeconds(20, 1, 0), 6);
    }

    private readonly FakeExecutor _executor = new();

    [Theory]
    [InlineData(0.2)]
    [InlineData(1)]
    [InlineData(4)]
    public void Learn_TicksThatTakeAnotherTime_SettlesAtIt(double factor)
    {
        var predictor = new TickPredictor(_executor, learns: true);
        for (int tick = 0; tick < 8; tick++)
        {
            Learn(predictor, rows: 4, factor);
        }

        Assert.InRange(predictor.Seconds(4, 1, 1) / _executor.Costs.Seconds(4, 1, 1), 0.95 * factor, 1.05 * factor);
    }

    [Fact]
    public void Seconds_KindOfTickNeverSeen_IsCorrectedLikeTheOther()
    {
        var predictor = new TickPredictor(_executor, learns: true);
        for (int tick = 0; tick < 8; tick++)
        {
            Learn(predictor, rows: 4, 3);
        }

        Assert.Equal(3, predictor.Seconds(64, 1, 1) / _executor.Costs.Seconds(64, 1, 1), 6);
    }

    [Fact]
    public void Learn_LargeTicksOnceSlow_AreForgottenThroughSmallerOnes()
    {
        var predictor = new TickPredictor(_executor, learns: true);
        Learn(predictor, rows: 12, 4);
        Learn(predictor, rows: 12, 4);
        for (int tick = 0; tick < 8; tick++)
        {
            Learn(predictor, rows: 9, 1);
        }

        Assert.Equal(1, predictor.Seconds(12, 1, 1) / _executor.Costs.Seconds(12, 1, 1), 6);
    }

    [Fact]
    public void Learn_NowAndThenASlowTick_StaysWhereMostAre()
    {
        var predictor = new TickPredictor(_executor, learns: true);
        for (int tick = 0; tick < 2000; tick++)
        {
            Learn(predictor, rows: 4, tick % 20 == 0 ? 50 : 1);
        }

        Assert.InRange(predictor.Seconds(4, 1, 1) / _executor.Costs.Seconds(4, 1, 1), 0.9, 1.1);
    }

    [Fact]
    public void Learn_WithoutLearning_OnlyCompares()
    {
        var predictor = new TickPredictor(_executor, learns: false);
        Assert.Equal(3, Learn(predictor, rows: 4, 3), 6);
        Assert.Equal(_executor.Costs.Seconds(4, 1, 1), predictor.Seconds(4, 1, 1));
    }

    private double Learn(TickPredictor predictor, int rows, double factor)
    {
        _executor.Rows.Clear();
        for (int row = 0; row < rows; row++)
        {
            _executor.Rows.Add(0, row, 1, row == rows - 1);
        }

        return predictor.Learn(factor * _executor.Costs.Seconds(rows, 1, (rows - 1) / 2 + 1));
    }
}
