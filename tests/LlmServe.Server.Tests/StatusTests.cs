using Grpc.Core;
using LlmServe.Engine;
using LlmServe.Testing.Fakes;
using LlmServe.V1;
using SamplingOptions = LlmServe.V1.SamplingOptions;

namespace LlmServe.Server.Tests;

public sealed class StatusTests
{
    public static TheoryData<string, GenerationOptions> WrongOptions => new()
    {
        { "options.max_tokens", new GenerationOptions { MaxTokens = 0 } },
        { "options.max_tokens", new GenerationOptions { MaxTokens = -5 } },
        { "options.logprobs", new GenerationOptions { Logprobs = -1 } },
        { "options.logprobs", new GenerationOptions { Logprobs = 21 } },
        { "options.stop", new GenerationOptions { Stop = { "" } } },
        { "options.stop", new GenerationOptions { Stop = { new string('x', 1025) } } },
        { "options.stop", new GenerationOptions { Stop = { Enumerable.Repeat("x", 17) } } },
        { "options.sampling.temperature", Sampling(new SamplingOptions { Temperature = -0.5f }) },
        { "options.sampling.temperature", Sampling(new SamplingOptions { Temperature = float.NaN }) },
        { "options.sampling.temperature", Sampling(new SamplingOptions { Temperature = float.PositiveInfinity }) },
        { "options.sampling.top_k", Sampling(new SamplingOptions { TopK = -1 }) },
        { "options.sampling.top_p", Sampling(new SamplingOptions { TopP = 0 }) },
        { "options.sampling.top_p", Sampling(new SamplingOptions { TopP = 1.5f }) },
        { "options.sampling.top_p", Sampling(new SamplingOptions { TopP = float.NaN }) },
        { "options.sampling.min_p", Sampling(new SamplingOptions { MinP = 2 }) },
        { "options.sampling.repetition_penalty", Sampling(new SamplingOptions { RepetitionPenalty = 0 }) },
        { "options.sampling.repetition_window", Sampling(new SamplingOptions { RepetitionWindow = -1 }) },
        { "options.sampling.frequency_penalty", Sampling(new SamplingOptions { FrequencyPenalty = float.NaN }) },
        { "options.sampling.presence_penalty", Sampling(new SamplingOptions { PresencePenalty = float.NegativeInfinity }) },
        { "options.sampling.logit_bias", Sampling(new SamplingOptions { LogitBias = { { FakeTokenizer.Size, 1 } } }) },
        { "options.sampling.logit_bias", Sampling(new SamplingOptions { LogitBias = { { -1, 1 } } }) },
        { "options.sampling.logit_bias", Sampling(new SamplingOptions { LogitBias = { { 5, float.NaN } } }) },
    };

    public static TheoryData<string, ChatRequest> WrongChats => new()
    {
        { "messages", new ChatRequest() },
        { "messages", new ChatRequest { Messages = { Enumerable.Repeat(Message("user"), 4097) } } },
        { "messages[0].role", new ChatRequest { Messages = { Message("") } } },
        { "messages[1].role", new ChatRequest { Messages = { Message("user"), Message("robot") } } },
        { "messages[0].fields_json", new ChatRequest { Messages = { Message("user", "{") } } },
        { "messages[0].fields_json", new ChatRequest { Messages = { Message("user", "[]") } } },
        { "messages[0].fields_json", new ChatRequest { Messages = { Message("user", """{"role": "system"}""") } } },
        { "messages[0].fields_json", new ChatRequest { Messages = { Message("user", """{"a": 1, "a": 2}""") } } },
        { "messages[0].fields_json", new ChatRequest { Messages = { Message("user", "{\"\\ud800\": 1}") } } },
        { "tools_json", new ChatRequest { Messages = { Message("user") }, ToolsJson = "{}" } },
        { "tools_json", new ChatRequest { Messages = { Message("user") }, ToolsJson = "[1" } },
        { "tools_json", new ChatRequest { Messages = { Message("user") }, ToolsJson = new string('[', 100_000) } },
        { "tools_json", new ChatRequest { Messages = { Message("user") }, ToolsJson = $"[{new string(' ', 300_000)}]" } },
        { "template_variables_json", new ChatRequest { Messages = { Message("user") }, TemplateVariablesJson = "null" } },
        { "template_variables_json", new ChatRequest { Messages = { Message("user") }, TemplateVariablesJson = """{"messages": []}""" } },
        { "messages", new ChatRequest { Messages = { Message("user", """{"content_parts": "\ud800"}""") } } },
    };

    [Fact]
    public async Task Chat_WithWrongOption_FailsNamingField()
    {
        await using var server = await TestServer.StartAsync();
        foreach (object[] row in WrongOptions)
        {
            await Calls.FailsOnAsync((string)row[0], () => server.Client.ChatAsync(TestServer.Chat("Hi", (GenerationOptions)row[1])).ToListAsync());
        }
    }

    [Fact]
    public async Task Chat_WithWrongConversation_FailsNamingField()
    {
        await using var server = await TestServer.StartAsync();
        foreach (object[] row in WrongChats)
        {
            await Calls.FailsOnAsync((string)row[0], () => server.Client.ChatAsync((ChatRequest)row[1]).ToListAsync());
        }
    }

    [Fact]
    public async Task Chat_WithPromptLongerThanContext_FailsWithBothNumbers()
    {
        await using var server = await TestServer.StartAsync(new FakeExecutorOptions { ContextLength = 100 });
        int tokens = server.Tokenizer.Ids($"<|im_start|>user\n{new string('z', 200)}<|im_end|>\n<|im_start|>assistant\n").Length;
        var exception = await Calls.FailsOnAsync("messages", () => server.Client.ChatAsync(TestServer.Chat(new string('z', 200))).ToListAsync());

        Assert.Contains($"{tokens}", exception.Status.Detail, StringComparison.Ordinal);
        Assert.Contains("100", exception.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_RefusedByTemplate_FailsWithTemplatesWords()
    {
        await using var server = await TestServer.StartAsync();
        var exception = await Calls.FailsOnAsync("messages", () => server.Client.ChatAsync(TestServer.Chat("refuse")).ToListAsync());
        Assert.Equal("messages: this model refuses", exception.Status.Detail);
    }

    [Fact]
    public async Task Chat_WithFaultyTemplate_FailsWithFailedPrecondition()
    {
        await using var server = await TestServer.StartAsync();
        var exception = await Calls.FailsAsync(StatusCode.FailedPrecondition, () => server.Client.ChatAsync(TestServer.Chat("fail")).ToListAsync());
        Assert.Contains("chat template", exception.Status.Detail, StringComparison.Ordinal);
        Assert.Contains(server.Logs.Entries, entry => entry.Event == 12);
    }

    [Fact]
    public async Task Chat_WithoutTemplate_FailsWithFailedPrecondition()
    {
        await using var server = await TestServer.StartAsync(null, s => [s.Model("plain", null)]);
        var exception = await Calls.FailsAsync(StatusCode.FailedPrecondition, () => server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync());
        Assert.Contains("'plain' has no chat template", exception.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnyCall_OfUnknownModel_FailsWithNotFoundListingModels()
    {
        await using var server = await TestServer.StartAsync();
        var chat = TestServer.Chat("Hi");
        chat.Model = "gpt";
        foreach (Func<Task> call in (Func<Task>[])[
            () => server.Client.ChatAsync(chat).ToListAsync(),
            () => server.Client.GenerateAsync(new GenerateRequest { Model = "gpt", Text = "x" }).ToListAsync(),
            () => server.Client.TokenizeAsync(new TokenizeRequest { Model = "gpt" }),
            () => server.Client.DetokenizeAsync(new DetokenizeRequest { Model = "gpt" }),
            () => server.Client.GetModelAsync("gpt")])
        {
            var exception = await Calls.FailsAsync(StatusCode.NotFound, call);
            Assert.Equal("model: there is no model 'gpt'; this server has: fake", exception.Status.Detail);
        }
    }

    [Fact]
    public async Task AnyCall_OfBytesThatAreNoMessage_FailsWithInvalidArgument()
    {
        await using var server = await TestServer.StartAsync();
        using var raw = new RawClient(server.Host.Address);
        foreach (var (service, method) in ((string, string)[])[
            ("ChatService", "Chat"), ("TextService", "Generate"), ("TextService", "Tokenize"), ("TextService", "Detokenize"), ("ModelService", "GetModel")])
        {
            var (status, _) = await raw.StreamAsync($"llmserve.v1.{service}", method, [0x0A, 0xFF, 0xFF]);
            Assert.Equal(StatusCode.InvalidArgument, status.StatusCode);
            Assert.Contains($"{method}Request", status.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AnyCall_LargerThanLimit_FailsWithResourceExhausted()
    {
        await using var server = await TestServer.StartAsync(options: new ServerOptions { MaxRequestBytes = 5000 });
        await server.Client.TokenizeAsync(new TokenizeRequest { Text = new string('z', 4900) });
        await Calls.FailsAsync(StatusCode.ResourceExhausted, () => server.Client.TokenizeAsync(new TokenizeRequest { Text = new string('z', 5001) }));
    }

    [Fact]
    public async Task AnyCall_Compressed_FailsWithUnimplemented()
    {
        await using var server = await TestServer.StartAsync();
        using var raw = new RawClient(server.Host.Address);
        var (status, _) = await raw.StreamAsync(
            "llmserve.v1.TextService", "Tokenize", [], new Metadata { { "grpc-internal-encoding-request", "gzip" } });
        Assert.Equal(StatusCode.Unimplemented, status.StatusCode);
    }

    [Fact]
    public async Task Chat_WithFullQueue_FailsWithResourceExhausted()
    {
        await using var server = await TestServer.StartAsync(
            new FakeExecutorOptions { Gated = true }, new EngineOptions { MaxSequences = 1, MaxQueue = 1 });
        using var cancellation = new CancellationTokenSource();
        var held = server.Executor.Gate.WhenHeldAsync();
        var calls = new[] { Run(), Run() };
        await held.WaitAsync(Calls.Patience);

        // Two fit; of three, whichever comes last is refused while the others are held.
        var third = Run();
        var refused = await Task.WhenAny([.. calls, third]).WaitAsync(Calls.Patience);
        await Calls.FailsAsync(StatusCode.ResourceExhausted, () => refused);
        server.Executor.Gate.Open();
        foreach (var call in calls.Append(third).Where(call => call != refused))
        {
            Assert.Equal(TestServer.Answer, (await call).Text());
        }

        Task<List<GenerationDelta>> Run() => server.Client.ChatAsync(TestServer.Chat("Hi"), cancellation.Token).ToListAsync();
    }

    [Fact]
    public async Task Chat_OnFailingEngine_FailsWithInternalAndSaysNothingInside()
    {
        await using var server = await TestServer.StartAsync(new FakeExecutorOptions { ThrowAtTick = 2 });
        var exception = await Calls.FailsAsync(StatusCode.Internal, () => server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync());

        Assert.Equal("internal error; the server's log has the details", exception.Status.Detail);
        await server.Logs.WaitForAsync(17);
        var logged = Assert.Single(server.Logs.Entries, entry => entry.Event == 17);
        Assert.Contains("told to fail in tick 2", logged.Exception!.ToString(), StringComparison.Ordinal);
        Assert.Equal(Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus.NotServing, await server.Client.CheckHealthAsync());

        // Nothing will be taken any more, so this is no refusal for now that a plan could tell of.
        var plan = new PlanRequest { Size = new RequestSize { PromptTokens = 1 } };
        exception = await Calls.FailsAsync(StatusCode.Internal, () => server.Client.PlanAsync(plan));
        Assert.Equal("internal error; the server's log has the details", exception.Status.Detail);
    }

    [Fact]
    public async Task Chat_WithDetailLongerThanHeaderAllows_IsCutShort()
    {
        await using var server = await TestServer.StartAsync(null, s => [s.Model("long", "{{ raise_exception('é' * 50000) }}")]);
        var exception = await Calls.FailsOnAsync("messages", () => server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync());
        Assert.Equal(2001, exception.Status.Detail.Length);
        Assert.EndsWith("é…", exception.Status.Detail, StringComparison.Ordinal);
    }

    private static GenerationOptions Sampling(SamplingOptions sampling) => new() { Sampling = sampling };

    private static ChatMessage Message(string role, string fields = "") => new() { Role = role, Content = "Hi", FieldsJson = fields };
}
