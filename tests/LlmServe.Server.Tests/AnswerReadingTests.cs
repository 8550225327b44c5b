using LlmServe.V1;

namespace LlmServe.Server.Tests;

/// <summary>What the server is asked to make of answers, or of which answers there may be.</summary>
public sealed class AnswerReadingTests
{
    [Theory]
    [InlineData("""{"parseOutput": true}""", "parse_output")]
    [InlineData("""{"toolChoice": {"mode": "MODE_NONE"}}""", "tool_choice")]
    [InlineData("""{"parallelToolCalls": false}""", "parallel_tool_calls")]
    [InlineData("""{"reasoning": {"effort": "EFFORT_LOW"}}""", "reasoning")]
    public async Task Chat_WithWhatIsNotThere_IsRefused(string json, string field)
    {
        await using var server = await TestServer.StartAsync();
        var request = ChatRequest.Parser.ParseJson(json);
        request.Messages.Add(new ChatMessage { Role = "user", Content = "Hi" });

        await Calls.FailsOnAsync(field, () => server.Client.ChatAsync(request).ToListAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chat_WithoutMaxTokens_EndsWhereItIsToldTo(bool toEndOfContext)
    {
        await using var server = await TestServer.StartAsync(options: new ServerOptions { DefaultOutputTokens = 20 });
        var options = new GenerationOptions { IgnoreEndOfGeneration = true, ToEndOfContext = toEndOfContext };
        var last = (await server.Client.ChatAsync(TestServer.Chat("Hi", options)).ToListAsync())[^1];

        Assert.Equal(FinishReason.Length, last.FinishReason);
        Assert.Equal(toEndOfContext ? server.Engine.ContextLength - last.Usage.PromptTokens : 20, last.Usage.CompletionTokens);
    }

    [Fact]
    public async Task Chat_ToEndOfContext_StaysWithinTheServersLimit()
    {
        await using var server = await TestServer.StartAsync(options: new ServerOptions { DefaultOutputTokens = 20, MaxOutputTokens = 30 });
        var options = new GenerationOptions { IgnoreEndOfGeneration = true, ToEndOfContext = true };
        var last = (await server.Client.ChatAsync(TestServer.Chat("Hi", options)).ToListAsync())[^1];

        Assert.Equal(30, last.Usage.CompletionTokens);
    }
}
