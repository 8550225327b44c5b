using LlmServe.Engine.Planning;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>Forecasts against what the scheduler then does, on a clock that counts predicted time.</summary>
public class PlanTests
{
    private static readonly FakeExecutorOptions Model = new()
    {
        MaxRows = 64, MaxSequences = 8, ContextLength = 1024, KvBlocks = 200, SecondsPerTick = 0.002, SecondsPerRow = 0.0005,
    };

    [Fact]
    public async Task Plan_IdleEngine_IsTheTimeOfItsOwnTicks()
    {
        await using var engine = EngineTest.Start(new FakeExecutor(Model));
        var plan = engine.Plan(100, 11);
        Assert.True(plan.Accepted);
        Assert.Equal(TimeSpan.Zero, plan.Wait);
        Assert.Equal((2 * 0.002) + (100 * 0.0005), plan.TimeToFirstToken.TotalSeconds, 6);
        Assert.Equal(1 / 0.0025, plan.TokensPerSecond, 3);
        Assert.Equal(plan.TimeToFirstToken.TotalSeconds + (10 * 0.0025), plan.Total.TotalSeconds, 6);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(4, 1)]
    [InlineData(5, 2)]
    [InlineData(6, 3)]
    [InlineData(7, 4)]
    public void Follow_RandomLoad_AgreesWithTheSchedulersTicks(int seed, int clients)
    {
        var random = new Random(seed);
        var options = new EngineOptions { MaxTickMilliseconds = 12, PrefixCache = false };
        var rig = new LoopRig(Model, options);
        for (int i = random.Next(4, 20); i > 0; i--)
        {
            rig.Add(EngineTest.RandomPrompt(random, random.Next(1, 300)), random.Next(1, 60), client: $"client {random.Next(clients)}");
            rig.Step();
        }

        int promptTokens = random.Next(1, 300);
        int maxTokens = random.Next(2, 60);
        var board = new WorkBoard(rig.Executor, rig.Loop.Predictor, options, 8);
        rig.Loop.Post(board);
        var forecast = board.Run(board.CopyWith([], [], WorkBoard.NewEntry(promptTokens, maxTokens, 0), "client 0"));
        var request = rig.Add(EngineTest.RandomPrompt(random, promptTokens), maxTokens, client: "client 0");

        double clock = 0;
        double first = 0;
        double start = -1;
        int tokens = 0;
        while (request.Record.Finish == FinishReason.None)
        {
            Assert.True(rig.Loop.Prepare());
            start = start < 0 && request.Record.Started != 0 ? clock : start;
            clock += rig.Executor.Costs.Seconds(rig.Executor.Rows.Count, 0, 0);
            rig.Finish();
            first = first == 0 && request.Tokens.AnswerLength > 0 ? clock : first;
            tokens = request.Tokens.Length - request.Tokens.PromptLength;
        }

        Assert.Equal(start, forecast.Wait, start * 0.15 + 0.02);
        Assert.Equal(first, forecast.FirstToken, first * 0.1 + 0.02);
        Assert.Equal(clock, forecast.End, clock * 0.1 + 0.02);
        Assert.InRange(forecast.TokensPerSecond * (clock - first) / (tokens - 1), 0.8, 1.25);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(200)]
    public void Follow_ShortPromptBehindALongOneOfItsClient_KnowsThatItOvertakes(int tokens)
    {
        var options = new EngineOptions { MaxTickMilliseconds = 12, PrefixCache = false };
        var rig = new LoopRig(Model, options);
        rig.Add([65], 500);
        rig.Step();
        rig.Add(new int[900], 2, client: "proxy");
        rig.Step();
        var board = new WorkBoard(rig.Executor, rig.Loop.Predictor, options, 8);
        rig.Loop.Post(board);
        var forecast = board.Run(board.CopyWith([], [], WorkBoard.NewEntry(tokens, 2, 0), "proxy"));
        var request = rig.Add(new int[tokens], 2, client: "proxy");
        double clock = 0;
        while (request.Record.FirstToken == 0)
        {
            Assert.True(rig.Loop.Prepare());
            clock += rig.Executor.Costs.Seconds(rig.Executor.Rows.Count, 0, 0);
            rig.Finish();
        }

        Assert.Equal(clock, forecast.FirstToken, (clock * 0.1) + 0.02);
    }

    /// <summary>The scheduler's ticks grow step by step after small ones; a forecast of many ticks must not stop at the first step.</summary>
    [Fact]
    public void Follow_LongPromptAfterSmallTicks_KnowsThatTicksGrow()
    {
        var options = new EngineOptions { MaxTickMilliseconds = 100, PrefixCache = false };
        var rig = new LoopRig(Model, options, learns: true);
        rig.Add([65], 500);
        for (int tick = 0; tick < 10; tick++)
        {
            rig.StepAsPredicted();
        }

        var board = new WorkBoard(rig.Executor, rig.Loop.Predictor, options, 8);
        rig.Loop.Post(board);
        var forecast = board.Run(board.CopyWith([], [], WorkBoard.NewEntry(900, 2, 0), "other"));
        var request = rig.Add(new int[900], 2, client: "other");
        double clock = 0;
        while (request.Record.FirstToken == 0)
        {
            Assert.True(rig.Loop.Prepare());
            clock += rig.Executor.Costs.Seconds(rig.Executor.Rows.Count, 0, 0);
            rig.FinishAsPredicted();
        }

        Assert.Equal(clock, forecast.FirstToken, clock * 0.1);
    }

    /// <summary>Hundreds before it: the forecast is coarse, but neither long nor wrong.</summary>
    [Theory]
    [InlineData(64, 256, 1)]
    [InlineData(16, 100, 1)]
    [InlineData(16, 100, 7)]
    [InlineData(64, 256, 40)]
    public void Follow_HundredsWaiting_IsBoundedAndStillAgrees(int slots, int waiting, int clients)
    {
        var random = new Random(slots + clients);
        int predictions = 0;
        var model = new FakeExecutorOptions
        {
            MaxRows = 128, MaxSequences = slots, ContextLength = 512, KvBlocks = slots * 16,
            Predict = (rows, _, context) => (++predictions * 0) + 0.002 + (rows * 0.0002) + (rows * context * 1e-7),
        };
        var options = new EngineOptions { MaxTickMilliseconds = 30, PrefixCache = false, Speculate = 0, MaxQueue = waiting, MaxSequences = slots };
        var rig = new LoopRig(model, options);
        for (int i = 0; i < slots + waiting; i++)
        {
            rig.Add(EngineTest.RandomPrompt(random, random.Next(20, 200)), random.Next(10, 90), client: $"client {random.Next(clients)}");
            if (i == slots)
            {
                rig.Step();
            }
        }

        var board = new WorkBoard(rig.Executor, rig.Loop.Predictor, options, slots);
        rig.Loop.Post(board);
        predictions = 0;
        var forecast = board.Run(board.CopyWith([], [], WorkBoard.NewEntry(100, 50, 0), "client 0"));
        Assert.InRange(predictions, 1, 2000);
        var request = rig.Add(EngineTest.RandomPrompt(random, 100), 50, client: "client 0");
        double clock = 0;
        double first = 0;
        while (request.Record.Finish == FinishReason.None)
        {
            Assert.True(rig.Loop.Prepare());
            var rows = rig.Executor.Rows;
            clock += rig.Executor.Costs.Seconds(rows.Count, 0, (int)rows.Positions.ToArray().Average());
            rig.Finish();
            first = first == 0 && request.Tokens.AnswerLength > 0 ? clock : first;
        }

        Assert.InRange(forecast.FirstToken / first, 0.8, 1.25);
        Assert.InRange(forecast.End / clock, 0.8, 1.25);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void RangeOf_MeasuredValuesThatScatter_HoldFourOfFive(int seed)
    {
        var random = new Random(seed);
        var errors = new PredictionErrors();
        int within = 0;
        const int Trials = 4000;
        for (int i = 0; i < Trials; i++)
        {
            double predicted = random.NextDouble() + 0.01;
            double measured = predicted * (1.3 + (0.4 * random.NextDouble() * random.NextDouble())) * (i > Trials / 2 ? 1.5 : 1); // the machine changes once
            within += errors.RangeOf(predicted).Contains(measured) ? 1 : 0;
            errors.Add(predicted, measured);
        }

        Assert.InRange((double)within / Trials, 0.75, 0.9);
    }

    [Fact]
    public async Task Submit_ManyRequests_PredictedRangesAreCountedAndBesideTheMeasurement()
    {
        await using var engine = EngineTest.Start(new FakeExecutor(Model), new EngineOptions { MeasureFirst = true });
        for (int i = 0; i < 20; i++)
        {
            var answer = await EngineTest.Collect(engine.Submit(EngineTest.Request("abcd", 12) with { IgnoreEndOfGeneration = true }, CancellationToken.None));
            var range = answer.Timings.PredictedTimeToFirstTokenRange!.Value;
            Assert.True(range.Low > 0 && range.Low <= range.High);
            Assert.True(answer.Timings.PredictedTokensPerSecondRange!.Value.High > 0);
        }

        Assert.Equal(20, engine.Statistics.PredictedRequests);
        Assert.InRange(engine.Statistics.PredictedWithinRange, 0, 20);
        var plan = engine.Plan(4, 12);
        Assert.True(plan.TimeToFirstTokenRange.Low <= plan.TimeToFirstTokenRange.High);
    }

    [Fact]
    public async Task Plan_TooLongOrFull_IsRefusedWithTheReason()
    {
        var executor = new FakeExecutor(Model with { Gated = true });
        await using var engine = EngineTest.Start(executor, new EngineOptions { MaxSequences = 1, MaxQueue = 1, MaxRequestsPerClient = 1 });
        Assert.Contains("1024", engine.Plan(1024).Refusal, StringComparison.Ordinal);
        engine.Submit(EngineTest.Request("a", 1) with { Client = "x" }, CancellationToken.None);
        Assert.Contains("client x", engine.Plan(5, client: "x").Refusal, StringComparison.Ordinal);
        Assert.True(engine.Plan(5, client: "y").Accepted);
        engine.Submit(EngineTest.Request("a", 1), CancellationToken.None);
        var plan = engine.Plan(5);
        Assert.False(plan.Accepted);
        Assert.Contains("queue is full", plan.Refusal, StringComparison.Ordinal);
        executor.Gate.Open();
    }

    [Theory]
    [InlineData(0, null, 0, "prompt")]
    [InlineData(1, 0, 0, "max_tokens")]
    [InlineData(1, 1, 11, "priority")]
    public async Task Plan_NumbersOutOfRange_NamesTheField(int promptTokens, int? maxTokens, int priority, string field)
    {
        await using var engine = EngineTest.Start(new FakeExecutor(Model));
        var error = Assert.Throws<EngineException>(() => engine.Plan(promptTokens, maxTokens, null, priority));
        Assert.Equal((EngineError.InvalidArgument, field), (error.Error, error.Field));
    }

    [Fact]
    public async Task Submit_MeasuredMachine_FinalUpdateHasThePredictionBesideTheMeasurement()
    {
        await using var engine = EngineTest.Start(new FakeExecutor(Model), new EngineOptions { MeasureFirst = true });
        var request = EngineTest.Request("abcd", 8) with { IgnoreEndOfGeneration = true };
        var plan = engine.Plan(request.Prompt.Count, 8);
        var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));
        Assert.Equal(plan.TimeToFirstToken.TotalSeconds, answer.Timings.PredictedTimeToFirstToken!.Value, tolerance: 1e-6);
        Assert.Equal(plan.TokensPerSecond, answer.Timings.PredictedTokensPerSecond!.Value, 3);
        Assert.Equal(answer.Timings.Queue + answer.Timings.Prefill, answer.Timings.TimeToFirstToken!.Value, tolerance: 1e-6);
        Assert.True(answer.Timings.TokensPerSecond > 0);
    }

    [Fact]
    public async Task Submit_ClientAtItsLimit_IsRefusedUntilOneOfItsOwnIsDone()
    {
        await using var engine = EngineTest.Start(new FakeExecutor(Model), new EngineOptions { MaxRequestsPerClient = 1, StreamCapacity = 1 });
        var request = EngineTest.Request("abcd", 8) with { Client = "x", IgnoreEndOfGeneration = true };
        var first = engine.Submit(request, CancellationToken.None);
        var error = Assert.Throws<EngineException>(() => engine.Submit(request, CancellationToken.None));
        Assert.Equal(EngineError.ClientLimit, error.Error);
        await EngineTest.Collect(engine.Submit(request with { Client = "y" }, CancellationToken.None));
        await EngineTest.Collect(first);
        await EngineTest.Collect(engine.Submit(request, CancellationToken.None));
    }
}
