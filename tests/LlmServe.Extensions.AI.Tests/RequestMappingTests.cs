using System.ComponentModel;
using System.Text.Json;
using LlmServe.Extensions.AI.Tests.Support;
using LlmServe.V1;
using Microsoft.Extensions.AI;
using AIMessage = Microsoft.Extensions.AI.ChatMessage;

namespace LlmServe.Extensions.AI.Tests;

/// <summary>What becomes of messages and options on their way to the model.</summary>
public sealed class RequestMappingTests
{
    [Fact]
    public async Task Request_WithoutOptions_AsksForTheModelsOwnSamplingAndARandomSeed()
    {
        var model = new Model { Id = "m", DefaultSampling = new SamplingOptions { Temperature = 0.6f, TopK = 20 } };
        var connection = new FakeConnection { Model = model };
        using var client = new LlmServeChatClient(connection, null);
        var first = await client.GetResponseAsync("Hi");
        var second = await client.GetResponseAsync("Hi");

        var requests = connection.Requests.ToArray();
        Assert.All(requests, request =>
        {
            Assert.Equal((0.6f, 20), (request.Options.Sampling.Temperature, request.Options.Sampling.TopK));
            Assert.False(request.Options.Sampling.HasTopP);
            Assert.True(request is { ParseOutput: true, Model: "", ToolsJson: "", ToolChoice: null, Reasoning: null });
            Assert.True(request.Options is { ToEndOfContext: true, HasMaxTokens: false, HasLogprobs: false });
            Assert.Equal(("user", "Hi", ""), (request.Messages[0].Role, request.Messages[0].Content, request.Messages[0].FieldsJson));
        });
        Assert.Equal(requests.Select(request => (object)(long)request.Options.Sampling.Seed), [Seed(first), Seed(second)]);
        Assert.NotEqual(Seed(first), Seed(second));
        Assert.Equal("m", first.ModelId);
    }

    [Fact]
    public async Task Request_ToAServerThatRecommendsNothing_SamplesAsUsual()
    {
        var sampling = (await AskAsync(null)).Options.Sampling;

        Assert.Equal((0.8f, 0.95f, 0.05f), (sampling.Temperature, sampling.TopP, sampling.MinP));
        Assert.True(sampling is { HasTopK: false, HasRepetitionPenalty: false, HasSeed: true });
    }

    [Fact]
    public async Task Request_WithAllNumbers_HasThem()
    {
        var options = new ChatOptions
        {
            ModelId = "other", Temperature = 0, TopP = 0.5f, TopK = 3, FrequencyPenalty = 0.1f, PresencePenalty = 0.2f, Seed = -1, MaxOutputTokens = 9,
            StopSequences = ["a", "b"], AllowMultipleToolCalls = false,
            Reasoning = new() { Effort = ReasoningEffort.ExtraHigh, Output = ReasoningOutput.None },
            AdditionalProperties = new()
            {
                ["min_p"] = 0.25, ["repetition_penalty"] = "1.5", ["repetition_window"] = 64L, ["logprobs"] = 4,
                ["logit_bias"] = new Dictionary<string, object?> { ["7"] = -100, ["8"] = JsonElement.Parse("1.5") },
                ["chat_template_kwargs"] = JsonElement.Parse("""{"enable_thinking": false}"""), ["something"] = "else",
            },
        };
        var request = await AskAsync(options);

        Assert.Equal("other", request.Model);
        var expected = new SamplingOptions
        {
            Temperature = 0, TopP = 0.5f, TopK = 3, FrequencyPenalty = 0.1f, PresencePenalty = 0.2f, Seed = ulong.MaxValue, MinP = 0.25f,
            RepetitionPenalty = 1.5f, RepetitionWindow = 64, LogitBias = { { 7, -100 }, { 8, 1.5f } },
        };
        Assert.Equal(expected, request.Options.Sampling);
        Assert.Equal((9, 4), (request.Options.MaxTokens, request.Options.Logprobs));
        Assert.Equal(["a", "b"], request.Options.Stop);
        Assert.Equal("""{"enable_thinking": false}""", request.TemplateVariablesJson);
        Assert.True(request is { HasParallelToolCalls: true, ParallelToolCalls: false });
        Assert.Equal(new V1.ReasoningOptions { Effort = V1.ReasoningOptions.Types.Effort.ExtraHigh, Hidden = true }, request.Reasoning);
    }

    [Theory]
    [InlineData("logprobs", true, "top_logprobs", 5, 5)]
    [InlineData("logprobs", true, "x", 0, 0)]
    [InlineData("logprobs", 2, "x", 0, 2)]
    [InlineData("logprobs", "true", "top_logprobs", "3", 3)]
    [InlineData("x", 0, "top_logprobs", 1, 1)]
    [InlineData("logprobs", false, "top_logprobs", 1, null)]
    [InlineData("x", 0, "y", 0, null)]
    public async Task Request_WithLogprobsInAnyForm_AsksForThem(string key, object value, string otherKey, object otherValue, int? expected)
    {
        var request = await AskAsync(new ChatOptions { AdditionalProperties = new() { [key] = value, [otherKey] = otherValue } });

        Assert.Equal(expected, request.Options.HasLogprobs ? request.Options.Logprobs : null);
    }

    [Fact]
    public async Task Request_WithInstructions_BeginsWithThem()
    {
        var request = await AskAsync(new ChatOptions { Instructions = "Be brief." }, new AIMessage(ChatRole.System, "S"), new AIMessage(new ChatRole("critic"), "C"));

        Assert.Equal(["system:Be brief.", "system:S", "critic:C"], request.Messages.Select(message => $"{message.Role}:{message.Content}"));
    }

    [Fact]
    public async Task Request_WithHistoryOfCalls_HasThemAsTemplatesKnowThem()
    {
        var request = await AskAsync(
            null,
            new AIMessage(ChatRole.User, [new TextContent("Weather "), new TextContent("in Zürich?")]),
            new AIMessage(ChatRole.Assistant, [
                new TextReasoningContent("Hm."),
                new FunctionCallContent("c1", "weather", new Dictionary<string, object?> { ["city"] = "Zürich", ["days"] = 2 }),
                new FunctionCallContent("c2", "clock"), new UsageContent(new UsageDetails()),
            ]),
            new AIMessage(ChatRole.Tool, [
                new FunctionResultContent("c1", JsonElement.Parse("\"sunny\"")), new FunctionResultContent("c2", new { Hour = 12, Place = "Zürich" }),
            ]),
            new AIMessage(ChatRole.Assistant, []));

        Assert.Equal(["user", "assistant", "tool", "tool", "assistant"], request.Messages.Select(message => message.Role));
        Assert.Equal("Weather in Zürich?", request.Messages[0].Content);
        Assert.False(request.Messages[1].HasContent);
        Assert.Equal(
            """{"reasoning_content":"Hm.","tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":{"city":"Zürich","days":2}}},"""
            + """{"id":"c2","type":"function","function":{"name":"clock","arguments":{}}}]}""",
            request.Messages[1].FieldsJson);
        Assert.Equal(("sunny", """{"tool_call_id":"c1","name":"weather"}"""), (request.Messages[2].Content, request.Messages[2].FieldsJson));
        Assert.Equal(("""{"hour":12,"place":"Zürich"}""", """{"tool_call_id":"c2","name":"clock"}"""), (request.Messages[3].Content, request.Messages[3].FieldsJson));
        Assert.Equal("", request.Messages[4].Content);
    }

    [Fact]
    public async Task Request_WithTools_DescribesThem()
    {
        [Description("Tells the weather.")]
        static string Weather([Description("Which city")] string city) => city;

        var weather = AIFunctionFactory.Create(Weather, "weather");
        var request = await AskAsync(new ChatOptions { Tools = [weather], ToolMode = ChatToolMode.RequireSpecific("weather") });

        var tool = Assert.Single(JsonElement.Parse(request.ToolsJson).EnumerateArray());
        Assert.Equal("function", tool.GetProperty("type").GetString());
        var function = tool.GetProperty("function");
        Assert.Equal("weather", function.GetProperty("name").GetString());
        Assert.Equal("Tells the weather.", function.GetProperty("description").GetString());
        Assert.True(JsonElement.DeepEquals(weather.JsonSchema, function.GetProperty("parameters")));
        Assert.Equal(new ToolChoice { Mode = ToolChoice.Types.Mode.Required, Name = "weather" }, request.ToolChoice);
    }

    [Fact]
    public async Task Request_WithToolMode_ChoosesSo()
    {
        ChatOptions With(ChatToolMode? mode) => new() { Tools = [AIFunctionFactory.Create(() => 1, "one")], ToolMode = mode };

        Assert.Null((await AskAsync(With(null))).ToolChoice);
        Assert.Null((await AskAsync(With(ChatToolMode.Auto))).ToolChoice);
        Assert.Equal(ToolChoice.Types.Mode.None, (await AskAsync(With(ChatToolMode.None))).ToolChoice.Mode);
        Assert.Equal(new ToolChoice { Mode = ToolChoice.Types.Mode.Required }, (await AskAsync(With(ChatToolMode.RequireAny))).ToolChoice);
        var error = await Assert.ThrowsAsync<ArgumentException>(() => AskAsync(With(ChatToolMode.RequireSpecific("two"))));
        Assert.Contains("'two', which is not among the tools: one", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_WithResponseFormat_IsBoundByIt()
    {
        var schema = JsonElement.Parse("""{"type": "object"}""");
        Assert.Equal(GenerationOptions.ConstraintOneofCase.None, (await AskAsync(new() { ResponseFormat = ChatResponseFormat.Text })).Options.ConstraintCase);
        Assert.True((await AskAsync(new() { ResponseFormat = ChatResponseFormat.Json })).Options.JsonObject);
        var withSchema = new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) };
        Assert.Equal(new JsonSchema { Schema = schema.GetRawText(), CloseObjects = true }, (await AskAsync(withSchema)).Options.JsonSchema);
        withSchema.AdditionalProperties = new() { ["strict"] = false };
        Assert.False((await AskAsync(withSchema)).Options.JsonSchema.CloseObjects);
    }

    [Fact]
    public async Task Request_WithRules_IsBoundByThem()
    {
        async Task<GenerationOptions> With(string name, object value) => (await AskAsync(new() { AdditionalProperties = new() { [name] = value } })).Options;

        Assert.Equal("root ::= \"a\"", (await With("grammar", "root ::= \"a\"")).Gbnf);
        Assert.Equal("a+", (await With("regex", JsonElement.Parse("\"a+\""))).Regex);
        Assert.Equal("start: \"a\"", (await With("lark", "start: \"a\"")).Lark);
        Assert.Equal(["a", "b"], (await With("choice", new[] { "a", "b" })).Choice.Texts);
        Assert.Equal(["c"], (await With("choice", JsonElement.Parse("""["c"]"""))).Choice.Texts);
    }

    [Fact]
    public async Task Request_FromRawRepresentation_IsFilledInWhereItSaysNothing()
    {
        var prototype = new ChatRequest
        {
            Model = "raw", Options = new GenerationOptions { MaxTokens = 3, Sampling = new() { TopK = 1 } }, TemplateVariablesJson = "{}",
        };
        var options = new ChatOptions { ModelId = "ignored", MaxOutputTokens = 5, TopK = 9, Temperature = 0.5f, RawRepresentationFactory = _ => prototype };
        var request = await AskAsync(options);

        Assert.Equal(("raw", 3, 1, 0.5f), (request.Model, request.Options.MaxTokens, request.Options.Sampling.TopK, request.Options.Sampling.Temperature));
        Assert.Empty(prototype.Messages);
        Assert.False(prototype.Options.Sampling.HasTemperature);
        options.RawRepresentationFactory = _ => "text";
        Assert.Contains("System.String", (await Assert.ThrowsAsync<ArgumentException>(() => AskAsync(options))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_LeavesWhatCallersOwnAsItWas()
    {
        var options = new ChatOptions { Instructions = "I", Tools = [AIFunctionFactory.Create(() => 1, "one")], AdditionalProperties = new() { ["min_p"] = 0.1 } };
        string before = JsonSerializer.Serialize(options, AIJsonUtilities.DefaultOptions);
        var messages = new List<AIMessage> { new(ChatRole.User, "Hi") };
        using var client = new LlmServeChatClient(new FakeConnection(), null);
        await client.GetResponseAsync(messages, options);

        Assert.Equal(before, JsonSerializer.Serialize(options, AIJsonUtilities.DefaultOptions));
        Assert.Equal("Hi", Assert.Single(messages).Text);
    }

    [Fact]
    public async Task Request_WithWhatTheModelCannotTake_IsRefused()
    {
        await RefusedAsync<NotSupportedException>("ConversationId", new() { ConversationId = "c" });
        await RefusedAsync<NotSupportedException>("HostedWebSearchTool", new() { Tools = [new HostedWebSearchTool()] });
        await RefusedAsync<NotSupportedException>("DataContent", null, new AIMessage(ChatRole.User, [new DataContent("data:image/png;base64,AAAA")]));
        await RefusedAsync<NotSupportedException>("UriContent", null, new AIMessage(ChatRole.User, [new UriContent("http://127.0.0.1/a.png", "image/png")]));
        await RefusedAsync<ArgumentException>("17 texts; allowed are 16", new() { StopSequences = [.. Enumerable.Range(0, 17).Select(i => $"{i}")] });
        await RefusedAsync<ArgumentException>("[\"min_p\"] is much (String); it must be a number", new() { AdditionalProperties = new() { ["min_p"] = "much" } });
        await RefusedAsync<ArgumentException>("a whole number", new() { AdditionalProperties = new() { ["repetition_window"] = 1.5 } });
        await RefusedAsync<ArgumentException>("numbers by token ids", new() { AdditionalProperties = new() { ["logit_bias"] = JsonElement.Parse("""{"a": 1}""") } });
        await RefusedAsync<ArgumentException>("a list of texts", new() { AdditionalProperties = new() { ["choice"] = 3 } });
    }

    private static async Task RefusedAsync<T>(string part, ChatOptions? options, params AIMessage[] messages) where T : Exception =>
        Assert.Contains(part, (await Assert.ThrowsAsync<T>(() => AskAsync(options, messages))).Message, StringComparison.Ordinal);

    private static async Task<ChatRequest> AskAsync(ChatOptions? options, params AIMessage[] messages)
    {
        var connection = new FakeConnection();
        using var client = new LlmServeChatClient(connection, null);
        await client.GetResponseAsync(messages.Length > 0 ? messages : [new AIMessage(ChatRole.User, "Hi")], options);
        return connection.Request;
    }

    private static object? Seed(Microsoft.Extensions.AI.ChatResponse response) => response.AdditionalProperties?["llmserve.seed"];
}
