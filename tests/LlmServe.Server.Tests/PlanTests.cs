using Grpc.Core;
using Grpc.Health.V1;
using LlmServe.Engine;
using LlmServe.Testing.Fakes;
using LlmServe.V1;

namespace LlmServe.Server.Tests;

/// <summary><c>ModelService.Plan</c>, and that nothing but generation waits for the engine.</summary>
public sealed class PlanTests
{
    /// <summary>A tick costs 1 ms and a row 10 ms, says the fake model.</summary>
    private static readonly FakeExecutorOptions Costs = new() { SecondsPerTick = 0.001, SecondsPerRow = 0.01 };

    private static readonly EngineOptions Measured = new() { MeasureFirst = true };

    [Fact]
    public async Task Plan_OfSize_FollowsTheModelsCosts()
    {
        await using var server = await TestServer.StartAsync(Costs, Measured);
        var plan = await server.Client.PlanAsync(Size(10, 5));

        Assert.True(plan.Accepted);
        Assert.Empty(plan.Refusal);
        Assert.Equal((10, 0, 0, 0.0), (plan.PromptTokens, plan.Running, plan.Waiting, plan.WaitSeconds));
        // One tick of ten rows, then four more tokens at a row a tick.
        Assert.Equal(0.101, plan.TimeToFirstTokenSeconds, 6);
        Assert.Equal(1 / 0.011, plan.TokensPerSecond, 3);
        Assert.Equal(0.101 + 4 * 0.011, plan.TotalSeconds, 6);
    }

    [Fact]
    public async Task Plan_OfChatAndOfText_CountsTheirTokens()
    {
        await using var server = await TestServer.StartAsync(Costs, Measured);
        var options = new GenerationOptions { MaxTokens = 3 };
        var chat = TestServer.Chat("Hi", options);
        var text = new GenerateRequest { Text = "Once upon", Options = options };

        var planned = await server.Client.PlanAsync(new PlanRequest { Chat = chat });
        Assert.Equal((await server.Client.ChatAsync(chat).ToListAsync())[^1].Usage.PromptTokens, planned.PromptTokens);
        planned = await server.Client.PlanAsync(new PlanRequest { Generate = text });
        Assert.Equal((await server.Client.GenerateAsync(text).ToListAsync())[^1].Usage.PromptTokens, planned.PromptTokens);
        planned = await server.Client.PlanAsync(new PlanRequest { Generate = new GenerateRequest { TokenIds = new TokenIds { Ids = { 1, 2 } } } });
        Assert.Equal(2, planned.PromptTokens);
    }

    [Fact]
    public async Task Plan_BeyondTheContextOrALimit_IsRefusedAndSaysWhy()
    {
        await using var server = await TestServer.StartAsync(
            Costs with { ContextLength = 100 }, Measured, new ServerOptions { MaxPromptTokens = 200, MaxOutputTokens = 20 });
        var plan = await server.Client.PlanAsync(Size(150, 5));
        Assert.False(plan.Accepted);
        Assert.Contains("100", plan.Refusal, StringComparison.Ordinal);

        plan = await server.Client.PlanAsync(Size(201, 5));
        Assert.False(plan.Accepted);
        Assert.Contains("this server allows at most 200", plan.Refusal, StringComparison.Ordinal);
        plan = await server.Client.PlanAsync(Size(10, 21));
        Assert.False(plan.Accepted);
        Assert.Contains("at most 20", plan.Refusal, StringComparison.Ordinal);
        // Without a limit of its own the request gets the server's.
        Assert.Equal((await server.Client.PlanAsync(Size(10, 20))).TotalSeconds, (await server.Client.PlanAsync(Size(10, null))).TotalSeconds);
    }

    [Fact]
    public async Task Plan_OfNothingOrNonsense_FailsNamingField()
    {
        await using var server = await TestServer.StartAsync(Costs, Measured);
        foreach (var (field, request) in ((string, PlanRequest)[])[
            ("request", new()), ("size.prompt_tokens", Size(0, null)), ("size.prompt_tokens", Size(-1, null)), ("size.max_tokens", Size(1, 0)),
            ("messages", new() { Chat = new ChatRequest() }), ("text", new() { Generate = new GenerateRequest() }),
            ("token_ids.ids", new() { Generate = new GenerateRequest { TokenIds = new TokenIds() } }),
            ("token_ids.ids", new() { Generate = new GenerateRequest { TokenIds = new TokenIds { Ids = { 1, int.MaxValue } } } }),
            ("options.max_tokens", new() { Chat = TestServer.Chat("Hi", new GenerationOptions { MaxTokens = 0 }) }),
            ("options.stop", new() { Chat = TestServer.Chat("Hi", new GenerationOptions { Stop = { "" } }) }),
            ("options.sampling.top_p", new() { Generate = new GenerateRequest { Text = "Hi", Options = new() { Sampling = new() { TopP = 2 } } } })])
        {
            await Calls.FailsOnAsync(field, () => server.Client.PlanAsync(request));
        }

        await Calls.FailsAsync(StatusCode.NotFound, () => server.Client.PlanAsync(new PlanRequest { Size = new RequestSize { Model = "no", PromptTokens = 1 } }));
    }

    [Fact]
    public async Task Generate_LastMessage_HasMeasuredAndPredictedTimes()
    {
        await using var server = await TestServer.StartAsync(Costs, Measured);
        var request = new GenerateRequest
        {
            TokenIds = new TokenIds { Ids = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 } },
            Options = new GenerationOptions { MaxTokens = 5, IgnoreEndOfGeneration = true },
        };
        var timings = (await server.Client.GenerateAsync(request).ToListAsync())[^1].Timings;

        Assert.Equal(0.101, timings.PredictedTimeToFirstTokenSeconds, 6);
        Assert.Equal(1 / 0.011, timings.PredictedTokensPerSecond, 3);
        Assert.True(timings.TimeToFirstTokenSeconds > 0);
        Assert.True(timings.TokensPerSecond > 0);
    }

    [Fact]
    public async Task OtherCalls_WhileTheEngineIsInATick_AreAnswered()
    {
        await using var server = await TestServer.StartAsync(Costs with { Gated = true }, Measured);
        var answer = server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync();
        await server.Executor.Gate.WhenHeldAsync().WaitAsync(Calls.Patience);

        // The engine's thread stands still now; whoever waited for it would wait until the gate opens, which is after these calls.
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await server.Client.CheckHealthAsync().WaitAsync(Calls.Patience));
        Assert.Single(await server.Client.ListModelsAsync().WaitAsync(Calls.Patience));
        Assert.NotEmpty((await server.Client.TokenizeAsync(new TokenizeRequest { Text = "x" }).WaitAsync(Calls.Patience)).TokenIds);
        Assert.True((await server.Client.PlanAsync(Size(10, 5)).WaitAsync(Calls.Patience)).Accepted);
        using (var cancel = new CancellationTokenSource())
        {
            // A request that waits can be given up too.
            var waiting = server.Client.ChatAsync(TestServer.Chat("later"), cancel.Token).ToListAsync();
            await cancel.CancelAsync();
            await Calls.FailsAsync(StatusCode.Cancelled, () => waiting);
        }

        Assert.False(answer.IsCompleted);
        server.Executor.Gate.Open();
        Assert.Equal(TestServer.Answer, (await answer.WaitAsync(Calls.Patience)).Text());
    }

    private static PlanRequest Size(int promptTokens, int? maxTokens)
    {
        var size = new RequestSize { PromptTokens = promptTokens };
        if (maxTokens is { } most)
        {
            size.MaxTokens = most;
        }

        return new PlanRequest { Size = size };
    }
}
