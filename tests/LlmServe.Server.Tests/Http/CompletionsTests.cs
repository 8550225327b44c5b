using System.Net;
using System.Text.Json;
using LlmServe.Engine;
using LlmServe.Http;
using LlmServe.Testing.Fakes;

namespace LlmServe.Server.Tests.Http;

/// <summary><c>/v1/completions</c> and what all routes have in common.</summary>
public sealed class CompletionsTests
{
    private const string Path = "/v1/completions";

    [Fact]
    public async Task Completions_OfText_GivesTextUsageAndReason()
    {
        await using var server = await TestServer.StartAsync(new FakeExecutorOptions { Next = _ => 'x' });
        using var http = new HttpClientOf(server);
        var answer = await http.AnswerAsync(Path, """{"model": "fake", "prompt": "Once", "max_tokens": 5, "user": "somebody", "unknown": {"a": 1}}""");

        Assert.Equal("text_completion", answer.GetProperty("object").GetString());
        Assert.StartsWith("cmpl-", answer.GetProperty("id").GetString());
        Assert.Equal("bfake-0", answer.GetProperty("system_fingerprint").GetString());
        var choice = Assert.Single(answer.GetProperty("choices").EnumerateArray());
        Assert.Equal("xxxxx", choice.GetProperty("text").GetString());
        Assert.Equal("length", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("logprobs").ValueKind);
        var usage = answer.GetProperty("usage");
        Assert.Equal(5, usage.GetProperty("completion_tokens").GetInt32());
        Assert.Equal(usage.GetProperty("prompt_tokens").GetInt32() + 5, usage.GetProperty("total_tokens").GetInt32());
        Assert.Equal(5, answer.GetProperty("timings").GetProperty("predicted_n").GetInt32());
    }

    [Fact]
    public async Task Completions_Streamed_IsTheSameInParts()
    {
        await using var server = await TestServer.StartAsync();
        using var http = new HttpClientOf(server);
        const string Request = """{"prompt": "Once", "max_tokens": 12, "seed": 5, "stream": true, "stream_options": {"include_usage": true}}""";
        var events = await http.EventsAsync(Path, Request);

        Assert.Equal("[DONE]", events[^1].Data);
        var parts = events.SkipLast(1).Select(part => JsonDocument.Parse(part.Data).RootElement).ToList();
        Assert.Single(parts.Select(part => part.GetProperty("id").GetString()).Distinct());
        Assert.Empty(parts[^1].GetProperty("choices").EnumerateArray());
        Assert.Equal(12, parts[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal("length", parts[^2].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        string text = string.Concat(parts.SkipLast(1).Select(part => part.GetProperty("choices")[0].GetProperty("text").GetString()));
        var whole = await http.AnswerAsync(Path, Request.Replace("true,", "false,", StringComparison.Ordinal));
        Assert.Equal(whole.GetProperty("choices")[0].GetProperty("text").GetString(), text);
    }

    [Fact]
    public async Task Completions_OfSeveralPromptsAndChoices_AnswersEachByItself()
    {
        await using var server = await TestServer.StartAsync();
        using var http = new HttpClientOf(server);
        var answer = await http.AnswerAsync(Path, """{"prompt": ["one", [1, 2, 3]], "n": 2, "max_tokens": 4, "temperature": 0, "echo": true}""");
        var choices = answer.GetProperty("choices").EnumerateArray().ToList();

        Assert.Equal([0, 1, 2, 3], choices.Select(choice => choice.GetProperty("index").GetInt32()));
        Assert.Equal(choices[0].GetProperty("text").GetString(), choices[1].GetProperty("text").GetString());
        Assert.StartsWith("one", choices[0].GetProperty("text").GetString());
        Assert.Equal(choices[2].GetProperty("text").GetString(), choices[3].GetProperty("text").GetString());
        Assert.Equal(16, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal(server.Tokenizer.Ids("one").Length + 1 + 3, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task Completions_WithLogprobs_GivesOneForEachToken()
    {
        await using var server = await TestServer.StartAsync();
        using var http = new HttpClientOf(server);
        var answer = await http.AnswerAsync(Path, """{"prompt": "Once", "max_tokens": 6, "logprobs": 2, "temperature": 0, "ignore_eos": true}""");
        var logprobs = answer.GetProperty("choices")[0].GetProperty("logprobs");

        foreach (string name in (string[])["tokens", "token_logprobs", "top_logprobs", "text_offset"])
        {
            Assert.Equal(6, logprobs.GetProperty(name).GetArrayLength());
        }

        Assert.Equal(0, logprobs.GetProperty("text_offset")[0].GetInt32());
        Assert.True(logprobs.GetProperty("token_logprobs")[0].GetDouble() <= 0);
        Assert.Equal(2, logprobs.GetProperty("top_logprobs")[0].EnumerateObject().Count());
    }

    [Fact]
    public async Task Completions_WithoutSeed_ReportOneThatRepeatsThem()
    {
        await using var server = await TestServer.StartAsync();
        using var http = new HttpClientOf(server);
        async Task<(string Seed, string Text)> Ask(string more)
        {
            using var response = await http.SendAsync(Path, $$"""{"prompt": "Once", "max_tokens": 20, "ignore_eos": true{{more}}}""");
            using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
            return (response.Headers.GetValues("x-llmserve-seed").Single(), answer.RootElement.GetProperty("choices")[0].GetProperty("text").GetString()!);
        }

        var first = await Ask("");
        var second = await Ask("");
        Assert.NotEqual(first.Seed, second.Seed);
        Assert.NotEqual(first.Text, second.Text);
        Assert.Equal(first, await Ask($", \"seed\": {first.Seed}"));
    }

    [Fact]
    public async Task Completions_WithRule_KeepToIt()
    {
        await using var server = await TestServer.StartAsync();
        using var http = new HttpClientOf(server);
        foreach (string rule in (string[])["\"guided_choice\": [\"yes\", \"no\"]", "\"structured_outputs\": {\"choice\": [\"yes\", \"no\"]}", "\"guided_regex\": \"yes|no\""])
        {
            var answer = await http.AnswerAsync(Path, $$"""{"prompt": "Once", {{rule}}}""");
            Assert.Contains(answer.GetProperty("choices")[0].GetProperty("text").GetString(), (string[])["yes", "no"]);
        }
    }

    [Theory]
    [InlineData("""{"prompt": "x", "max_tokens": 0}""", "max_tokens", "invalid_value")]
    [InlineData("""{"prompt": "x", "max_tokens": 1.5}""", "max_tokens", "invalid_value")]
    [InlineData("""{"prompt": "x", "max_tokens": "5"}""", "max_tokens", "invalid_type")]
    [InlineData("""{"prompt": "x", "temperature": 3}""", "temperature", "invalid_value")]
    [InlineData("""{"prompt": "x", "n": 9}""", "n", "invalid_value")]
    [InlineData("""{"prompt": "x", "best_of": 2}""", "best_of", "invalid_value")]
    [InlineData("""{"prompt": "x", "suffix": "y"}""", "suffix", "unsupported_parameter")]
    [InlineData("""{"prompt": "x", "stop": ["a", 5]}""", "stop[1]", "invalid_type")]
    [InlineData("""{"prompt": "x", "stop": ""}""", "stop", "invalid_value")]
    [InlineData("""{"prompt": "x", "logit_bias": {"5": 101}}""", "logit_bias.5", "invalid_value")]
    [InlineData("""{"prompt": "x", "logit_bias": {"99999": 1}}""", "logit_bias", "invalid_value")]
    [InlineData("""{"prompt": "x", "guided_json": {"type": "sound"}}""", "guided_json", "invalid_value")]
    [InlineData("""{"prompt": "x", "guided_regex": "(", "stop": null}""", "guided_regex", "invalid_value")]
    [InlineData("""{"prompt": "x", "guided_regex": "a", "grammar": "root ::= \"a\""}""", "guided_regex", "invalid_value")]
    [InlineData("""{"prompt": []}""", "prompt", "invalid_value")]
    [InlineData("""{"prompt": [[]]}""", "prompt[0]", "invalid_type")]
    [InlineData("""{"prompt": [1, 999]}""", "prompt", "invalid_value")]
    [InlineData("""{"prompt": {"a": 1}}""", "prompt", "invalid_type")]
    [InlineData("""{}""", "prompt", "missing_required_parameter")]
    [InlineData("""{"prompt": "\ud800"}""", "prompt", "invalid_value")]
    [InlineData("""[]""", null, "invalid_json")]
    [InlineData("""{"prompt": "x",}""", null, "invalid_json")]
    [InlineData("""{"prompt": "x", "prompt": "y"}""", null, "invalid_json")]
    public async Task Completions_OfWrongRequest_NameTheField(string request, string? field, string code)
    {
        await using var server = await TestServer.StartAsync();
        using var http = new HttpClientOf(server);
        var (status, answer) = await http.PostAsync(Path, request);
        var error = answer.GetProperty("error");

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        Assert.Equal(field, error.GetProperty("param").GetString());
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
    }

    [Fact]
    public async Task Completions_OfPromptThatIsTooLong_SayBothNumbers()
    {
        await using var server = await TestServer.StartAsync(new FakeExecutorOptions { ContextLength = 100 });
        using var http = new HttpClientOf(server);
        var (status, answer) = await http.PostAsync(Path, $$"""{"prompt": "{{new string('z', 200)}}"}""");
        var error = answer.GetProperty("error");

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("context_length_exceeded", error.GetProperty("code").GetString());
        Assert.Contains("exceeds the available context size", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(201, error.GetProperty("n_prompt_tokens").GetInt32());
        Assert.Equal(100, error.GetProperty("n_ctx").GetInt32());
    }

    [Fact]
    public async Task Completions_WithFullQueue_SayWhenToComeAgain()
    {
        await using var server = await TestServer.StartAsync(new FakeExecutorOptions { Gated = true }, new EngineOptions { MaxSequences = 1, MaxQueue = 0 });
        using var http = new HttpClientOf(server);
        var running = http.AnswerAsync(Path, """{"prompt": "x", "max_tokens": 1}""");
        await server.Executor.Gate.WhenHeldAsync().WaitAsync(Calls.Patience);
        using var response = await http.SendAsync(Path, """{"prompt": "y"}""");

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Contains("queue_full", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        server.Executor.Gate.Open();
        await running;
    }

    [Fact]
    public async Task Completions_OfClientThatLeaves_FreeTheirPlace()
    {
        await using var server = await TestServer.StartAsync(
            new FakeExecutorOptions { Next = _ => 'x', ContextLength = 32 * 1024, KvBlocks = 1024 }, new EngineOptions { MaxSequences = 1, MaxQueue = 100, StreamCapacity = 4 });
        using var http = new HttpClientOf(server);
        foreach (bool stream in (bool[])[true, false])
        {
            using var leaving = new CancellationTokenSource();
            var calls = Enumerable.Range(0, 20).Select(_ => http.SendAsync(
                Path, $$"""{"prompt": "x", "stream": {{(stream ? "true" : "false")}}, "ignore_eos": true}""", leaving.Token)).ToList();
            await Task.WhenAny(Task.WhenAny(calls), Task.Delay(50));
            await leaving.CancelAsync();
            foreach (var call in calls)
            {
                try
                {
                    // What has begun to answer ends with its connection.
                    (await call).Dispose();
                }
                catch (OperationCanceledException)
                {
                }
            }

            using var patience = new CancellationTokenSource(Calls.Patience);
            while (server.Engine.Statistics is not { Running: 0, Waiting: 0 })
            {
                await Task.Delay(1, patience.Token);
            }
        }
    }

    [Fact]
    public async Task Requests_OverTheLimitsOfBytesOrStrictness_AreRefused()
    {
        await using var server = await TestServer.StartAsync(options: new ServerOptions { MaxRequestBytes = 5000, Http = new HttpOptions { StrictRequests = true } });
        using var http = new HttpClientOf(server);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await http.PostAsync(Path, $$"""{"prompt": "{{new string('z', 6000)}}"}""")).Status);
        var (status, answer) = await http.PostAsync(Path, """{"prompt": "x", "colour": "blue"}""");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("colour", answer.GetProperty("error").GetProperty("param").GetString());
        await http.AnswerAsync(Path, """{"prompt": "x", "max_tokens": 1, "user": "me"}""");
    }

    [Fact]
    public async Task Models_OfServer_AreListedAndFound()
    {
        await using var server = await TestServer.StartAsync(null, s => [s.Model("first", TestServer.Template), s.Model("second/b:1", null)]);
        using var http = new HttpClientOf(server);
        var (_, list) = await http.GetAsync("/v1/models");
        Assert.Equal(["first", "second/b:1"], list.GetProperty("data").EnumerateArray().Select(model => model.GetProperty("id").GetString()));
        var (_, second) = await http.GetAsync("/v1/models/second/b:1");
        Assert.Equal("second/b:1", second.GetProperty("id").GetString());
        var (status, error) = await http.GetAsync("/v1/models/gpt");
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Equal("model_not_found", error.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(HttpStatusCode.NotFound, (await http.PostAsync(Path, """{"model": "gpt", "prompt": "x"}""")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/v1/nowhere")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await http.PostAsync("/v1/embeddings", """{"input": "x"}""")).Status);
    }

    [Fact]
    public async Task LlamaServerRoutes_OfServer_AnswerInItsWords()
    {
        await using var server = await TestServer.StartAsync();
        using var http = new HttpClientOf(server);
        var tokens = (await http.AnswerAsync("/tokenize", """{"content": "Hello é", "with_pieces": true}""")).GetProperty("tokens").EnumerateArray().ToList();
        int[] ids = [.. tokens.Select(token => token.GetProperty("id").GetInt32())];
        Assert.Equal(server.Tokenizer.Ids("Hello é"), ids);
        Assert.Equal("Hello", tokens[0].GetProperty("piece").GetString());
        Assert.Equal("Hello é", (await http.AnswerAsync("/detokenize", $$"""{"tokens": [{{string.Join(',', ids)}}]}""")).GetProperty("content").GetString());

        var (_, props) = await http.GetAsync("/props");
        Assert.Equal(server.Engine.ContextLength, props.GetProperty("default_generation_settings").GetProperty("n_ctx").GetInt32());
        Assert.EndsWith(".gguf", props.GetProperty("model_path").GetString());
        var (_, slots) = await http.GetAsync("/slots");
        Assert.Equal(props.GetProperty("total_slots").GetInt32(), slots.GetArrayLength());
        Assert.Equal(HttpStatusCode.NotImplemented, (await http.PostAsync("/props", "{}")).Status);
        Assert.Equal(HttpStatusCode.NotImplemented, (await http.PostAsync("/rerank", """{"query": "x"}""")).Status);
        await http.AnswerAsync(Path, """{"prompt": "x", "max_tokens": 3, "ignore_eos": true}""");
        Assert.Contains("llamacpp:tokens_predicted_total 3\n", await http.TextAsync("/metrics"), StringComparison.Ordinal);
    }
}
