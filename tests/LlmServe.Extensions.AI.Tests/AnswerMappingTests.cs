using System.Text.Json;
using LlmServe.Extensions.AI.Tests.Support;
using LlmServe.V1;
using Microsoft.Extensions.AI;

namespace LlmServe.Extensions.AI.Tests;

/// <summary>What becomes of answers on their way from the model.</summary>
public sealed class AnswerMappingTests
{
    [Fact]
    public async Task Stream_OfReasoningAndText_HasBothAndOneIdentity()
    {
        var updates = await StreamAsync(Reasoning("Let me "), Reasoning("see."), Text("Blue"), Text("."), FakeConnection.Last());

        Assert.All(updates, update => Assert.True(update is { ModelId: "fake", ConversationId: null, CreatedAt: not null, RawRepresentation: GenerationDelta }));
        Assert.All(updates, update => Assert.Equal(ChatRole.Assistant, update.Role));
        Assert.Single(updates.Select(update => update.MessageId).Distinct());
        Assert.Single(updates.Select(update => update.ResponseId).Distinct());
        Assert.Equal(["Let me ", "see."], updates.SelectMany(update => update.Contents).OfType<TextReasoningContent>().Select(content => content.Text));
        Assert.Equal("Blue.", string.Concat(updates.Select(update => update.Text)));
        Assert.All(updates.SkipLast(1), update => Assert.Null(update.FinishReason));
        var last = updates[^1];
        Assert.Equal(ChatFinishReason.Stop, last.FinishReason);
        var usage = Assert.IsType<UsageContent>(Assert.Single(last.Contents)).Details;
        Assert.Equal((7, 5, 12, 3, 2), (usage.InputTokenCount, usage.OutputTokenCount, usage.TotalTokenCount, usage.CachedInputTokenCount, usage.ReasoningTokenCount));
        Assert.Equal(0.5, Assert.IsType<Timings>(last.AdditionalProperties!["llmserve.timings"]).PrefillSeconds);
    }

    [Fact]
    public async Task Response_HasWholeReasoningAndText()
    {
        using var client = new LlmServeChatClient(new FakeConnection(Reasoning("Let me "), Reasoning("see."), Text("Blue"), Text("."), FakeConnection.Last()), null);
        var response = await client.GetResponseAsync("Hi");

        var message = Assert.Single(response.Messages);
        Assert.Equal("Blue.", message.Text);
        Assert.Equal("Let me see.", Assert.Single(message.Contents.OfType<TextReasoningContent>()).Text);
        Assert.Equal("Let me see.", response.AdditionalProperties!["reasoning_content"]);
        Assert.Equal("Let me see.", message.AdditionalProperties!["reasoning_content"]);
        Assert.Equal(12, response.Usage!.TotalTokenCount);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public async Task Stream_WithLogprobs_HasThemAndTheResponseHasAllOfThem()
    {
        GenerationDelta With(string text, int id) => new() { Text = text, Logprobs = { new TokenLogProbability { TokenId = id, LogProbability = -id } } };
        using var client = new LlmServeChatClient(new FakeConnection(With("a", 1), With("", 2), With("b", 3), FakeConnection.Last()), null);
        var updates = await client.GetStreamingResponseAsync("Hi").ToListAsync();
        var response = await client.GetResponseAsync("Hi");

        Assert.Equal([1, 2, 3], updates.Take(3).Select(update => Assert.Single((TokenLogProbability[])update.AdditionalProperties!["logprobs"]!).TokenId));
        Assert.Equal([1, 2, 3], ((TokenLogProbability[])response.AdditionalProperties!["logprobs"]!).Select(token => token.TokenId));
    }

    [Fact]
    public async Task Stream_OfCallsInParts_GivesEachOnceAndWhole()
    {
        var updates = await StreamAsync(
            Text("I look."), Call(0, "c1", "weather"), Call(0, arguments: "{\"city\": \"Z"), Call(0, arguments: "ürich\"}"), Call(1, "c2", "clock"),
            Call(2, "c3", "add", "{\"a\": [1, {\"b\": null}]}"), FakeConnection.Last(FinishReason.ToolCalls));

        var calls = updates.SelectMany(update => update.Contents).OfType<FunctionCallContent>().ToList();
        Assert.Equal(["c1 weather", "c2 clock", "c3 add"], calls.Select(call => $"{call.CallId} {call.Name}"));
        Assert.All(calls, call => Assert.True(call is { Exception: null, InformationalOnly: false }));
        Assert.Equal("Zürich", Assert.IsType<JsonElement>(calls[0].Arguments!["city"]).GetString());
        Assert.True(calls[1].Arguments is null or { Count: 0 });
        Assert.Equal("[1, {\"b\": null}]", Assert.IsType<JsonElement>(calls[2].Arguments!["a"]).GetRawText());
        Assert.Equal(ChatFinishReason.ToolCalls, updates[^1].FinishReason);
        Assert.All(updates, update => Assert.NotNull(update.MessageId));
    }

    [Fact]
    public async Task Stream_CutWithinACall_ShowsItButLeavesNothingToRun()
    {
        var updates = await StreamAsync(Call(0, "c1", "weather", "{\"city\": \"Z"), FakeConnection.Last(FinishReason.Length));

        var call = Assert.Single(updates.SelectMany(update => update.Contents).OfType<FunctionCallContent>());
        Assert.True(call is { Exception: not null, InformationalOnly: true, Name: "weather" });
        Assert.Equal(ChatFinishReason.Length, updates[^1].FinishReason);
    }

    [Fact]
    public async Task FunctionInvocation_OverTwoRounds_KeepsMessagesApart()
    {
        var rounds = new Queue<GenerationDelta[]>(
            [[Call(0, "c1", "one"), FakeConnection.Last(FinishReason.ToolCalls)], [Text("It is 1."), FakeConnection.Last()]]);
        using var inner = new LlmServeChatClient(new RoundsConnection(rounds), null);
        using var client = inner.AsBuilder().UseFunctionInvocation().Build();
        int ran = 0;
        var response = await client.GetResponseAsync("Hi", new ChatOptions { Tools = [AIFunctionFactory.Create(() => ++ran, "one")] });

        Assert.Equal(1, ran);
        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], response.Messages.Select(message => message.Role));
        Assert.Equal("It is 1.", response.Text);
        Assert.Equal(24, response.Usage!.TotalTokenCount);
    }

    [Fact]
    public void GetService_GivesWhatIsThere()
    {
        using var client = new LlmServeChatClient(new Uri("http://127.0.0.1:9"), "m");

        var metadata = Assert.IsType<ChatClientMetadata>(client.GetService(typeof(ChatClientMetadata)));
        Assert.Equal(("llmserve", new Uri("http://127.0.0.1:9"), "m"), (metadata.ProviderName, metadata.ProviderUri, metadata.DefaultModelId));
        Assert.Same(client, client.GetService(typeof(IChatClient)));
        Assert.IsType<LlmServe.Client.LlmServeClient>(client.GetService(typeof(LlmServe.Client.LlmServeClient)));
        Assert.Null(client.GetService(typeof(ChatClientMetadata), "key"));
        Assert.Null(client.GetService(typeof(FunctionInvokingChatClient)));
    }

    private static async Task<List<ChatResponseUpdate>> StreamAsync(params GenerationDelta[] answer)
    {
        using var client = new LlmServeChatClient(new FakeConnection(answer), null);
        return await client.GetStreamingResponseAsync("Hi").ToListAsync();
    }

    private static GenerationDelta Text(string text) => new() { Text = text };

    private static GenerationDelta Reasoning(string text) => new() { ReasoningText = text };

    private static GenerationDelta Call(int index, string id = "", string name = "", string arguments = "") =>
        new() { ToolCalls = { new ToolCallDelta { Index = index, Id = id, Name = name, Arguments = arguments } } };
}
