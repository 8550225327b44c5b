using Grpc.Core;
using LlmServe.Testing.Fakes;
using LlmServe.V1;

namespace LlmServe.Server.Tests;

public sealed class ChatTests
{
    [Fact]
    public async Task Chat_OfOneMessage_StreamsAnswerTokenByToken()
    {
        await using var server = await TestServer.StartAsync();
        var deltas = await server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync();

        Assert.Equal(TestServer.Answer, deltas.Text());
        int[] ids = server.Tokenizer.Ids(TestServer.Answer + "<|im_end|>");
        Assert.Equal(ids, deltas.SelectMany(delta => delta.TokenIds));
        Assert.True(deltas.Count >= ids.Length, $"{deltas.Count} messages for {ids.Length} tokens");
        Assert.All(deltas.SkipLast(1), delta => Assert.True(delta is { FinishReason: FinishReason.Unspecified, Usage: null, Timings: null }));
        var last = deltas[^1];
        Assert.Equal(FinishReason.Stop, last.FinishReason);
        Assert.Equal(server.Tokenizer.Ids("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n").Length, last.Usage.PromptTokens);
        Assert.Equal(ids.Length, last.Usage.CompletionTokens);
        Assert.True(last.Timings.PrefillSeconds >= 0 && last.Timings.DecodeSeconds >= 0 && last.Timings.QueueSeconds >= 0);
    }

    [Fact]
    public async Task Chat_WithToolsAndVariables_GivesThemToTemplateUnchanged()
    {
        await using var server = await TestServer.StartAsync();
        var request = new ChatRequest
        {
            Messages = { new ChatMessage { Role = "system", Content = "S" }, new ChatMessage { Role = "user", Content = "日本 \"q\"" } },
            ToolsJson = """[{"n": 123456789012345678901234567890, "f": 1.0}]""",
            TemplateVariablesJson = """{"mood": {"b": 1, "a": 1e3}}""",
        };
        await server.Client.ChatAsync(request).ToListAsync();

        Assert.True(server.Histories.TryPeek(out string? prompt));
        Assert.StartsWith("<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n日本 \"q\"<|im_end|>\n", prompt, StringComparison.Ordinal);
        Assert.Contains("123456789012345678901234567890, \"f\": 1.0", prompt, StringComparison.Ordinal);
        Assert.Contains("{\"b\": 1, \"a\": 1000.0}", prompt, StringComparison.Ordinal);
        Assert.EndsWith("<|im_start|>assistant\n", prompt, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_WithoutGenerationPrompt_EndsPromptAfterLastMessage()
    {
        await using var server = await TestServer.StartAsync();
        var request = TestServer.Chat("Hi", new GenerationOptions { MaxTokens = 1 });
        request.AddGenerationPrompt = false;
        await server.Client.ChatAsync(request).ToListAsync();

        Assert.True(server.Histories.TryPeek(out string? prompt));
        Assert.Equal("<|im_start|>user\nHi<|im_end|>\n", prompt);
    }

    [Fact]
    public async Task Chat_WithFieldsJson_GivesThemToTemplate()
    {
        await using var server = await TestServer.StartAsync(null, s =>
            [s.Model("fake", "{% for m in messages %}{{ m.role }}|{{ m.content is defined }}|{{ m.tool_calls | tojson }};{% endfor %}")]);
        var request = new ChatRequest
        {
            Messages = { new ChatMessage { Role = "assistant", FieldsJson = """{"tool_calls": [{"id": "c1"}]}""" } },
            Options = new GenerationOptions { MaxTokens = 1 },
        };
        await server.Client.ChatAsync(request).ToListAsync();

        Assert.True(server.Histories.TryPeek(out string? prompt));
        Assert.Equal("""assistant|False|[{"id": "c1"}];""", prompt);
    }

    [Fact]
    public async Task Chat_WithLogprobs_ReportsChosenAndLikeliestTokens()
    {
        await using var server = await TestServer.StartAsync();
        var deltas = await server.Client.ChatAsync(TestServer.Chat("Hi", new GenerationOptions { Logprobs = 3 })).ToListAsync();

        var logprobs = deltas.SelectMany(delta => delta.Logprobs).ToList();
        Assert.Equal(deltas.SelectMany(delta => delta.TokenIds), logprobs.Select(logprob => logprob.TokenId));
        foreach (var logprob in logprobs)
        {
            Assert.Equal(3, logprob.Top.Count);
            Assert.Equal(logprob.TokenId, logprob.Top[0].TokenId);
            Assert.Equal(logprob.LogProbability, logprob.Top[0].LogProbability);
            Assert.True(logprob.LogProbability <= 0 && logprob.Top[1].LogProbability >= logprob.Top[2].LogProbability);
            Assert.Equal(server.Tokenizer.BytesOf(logprob.TokenId).ToArray(), logprob.TokenBytes.ToByteArray());
        }
    }

    [Fact]
    public async Task Chat_WithStopTextAcrossTokens_EndsBeforeIt()
    {
        await using var server = await TestServer.StartAsync();
        var deltas = await server.Client.ChatAsync(TestServer.Chat("Hi", new GenerationOptions { Stop = { "o, w" } })).ToListAsync();

        Assert.Equal("Hell", deltas.Text());
        Assert.Equal(FinishReason.Stop, deltas[^1].FinishReason);
    }

    [Fact]
    public async Task Chat_WithMaxTokens_EndsWithLength()
    {
        await using var server = await TestServer.StartAsync();
        var deltas = await server.Client.ChatAsync(TestServer.Chat("Hi", new GenerationOptions { MaxTokens = 2 })).ToListAsync();

        Assert.Equal(FinishReason.Length, deltas[^1].FinishReason);
        Assert.Equal(2, deltas[^1].Usage.CompletionTokens);
    }

    [Fact]
    public async Task Chat_WithSeed_RepeatsItselfAndDiffersFromOtherSeeds()
    {
        await using var server = await TestServer.StartAsync(new FakeExecutorOptions { Next = _ => -1 });
        async Task<string> Ask(ulong seed) => (await server.Client.ChatAsync(TestServer.Chat("Hi", new GenerationOptions
        {
            MaxTokens = 30,
            IgnoreEndOfGeneration = true,
            SpecialTokensInText = true,
            Sampling = new SamplingOptions { Temperature = 1, TopK = 50, TopP = 0.95f, Seed = seed },
        })).ToListAsync()).Text();

        string first = await Ask(7);
        Assert.Equal(first, await Ask(7));
        Assert.NotEqual(first, await Ask(8));
    }

    [Fact]
    public async Task Chat_ManyAtOnce_EachGetsItsOwnAnswer()
    {
        await using var server = await TestServer.StartAsync(
            new FakeExecutorOptions { Next = history => history[^1] is >= '0' and <= '9' ? FakeTokenizer.ImEnd : history[18] });
        // The token after "<|im_start|>user\n" is the digit that the client sends; the fake model says it once more.
        int at = server.Tokenizer.Ids("<|im_start|>user\n").Length;
        Assert.True(at < 18);
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            string content = new string('x', 18 - at) + (char)('0' + i % 10) + "!";
            return (await server.Client.ChatAsync(TestServer.Chat(content)).ToListAsync()).Text();
        })).WaitAsync(Calls.Patience);

        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i % 10}"), answers);
    }

    [Fact]
    public async Task Chat_OfUnknownFieldsInMessage_IsAnswered()
    {
        await using var server = await TestServer.StartAsync();
        // A client of a later version sends a field that this server does not know.
        byte[] bytes = [.. Google.Protobuf.MessageExtensions.ToByteArray(TestServer.Chat("Hi")), 0xFA, 0x3F, 0x01, 0x00];
        using var raw = new RawClient(server.Host.Address);
        var (status, messages) = await raw.StreamAsync("llmserve.v1.ChatService", "Chat", bytes);

        Assert.Equal(StatusCode.OK, status.StatusCode);
        Assert.Equal(TestServer.Answer, messages.Select(message => ChatResponse.Parser.ParseFrom(message).Delta).Text());
    }
}
