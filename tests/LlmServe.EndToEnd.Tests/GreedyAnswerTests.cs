using LlmServe.Client;
using LlmServe.EndToEnd.Tests.Support;
using LlmServe.V1;

namespace LlmServe.EndToEnd.Tests;

/// <summary>The whole path, from gRPC to logits and back, against answers of an independent implementation.</summary>
public sealed class GreedyAnswerTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const int MostTokens = 48;

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, GreedyCase.All.Count)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Chat_GreedyInTheDefaultMode_GivesTheGoldenTokens(int index)
    {
        var golden = GreedyCase.All[index];
        using var client = new LlmServeClient(fixture.Address);
        var request = new ChatRequest { Options = new GenerationOptions { MaxTokens = MostTokens } };
        request.Messages.AddRange(golden.Messages.Select(message => new ChatMessage { Role = message.Role, Content = message.Content }));
        var ids = new List<int>();
        string text = "";
        GenerationDelta last = new();

        await foreach (var delta in client.ChatAsync(request))
        {
            ids.AddRange(delta.TokenIds);
            text += delta.Text;
            last = delta;
        }

        Assert.Equal(golden.Ids, ids);
        Assert.Equal(golden.Text, text);
        Assert.Equal(golden.PromptIds.Length, last.Usage.PromptTokens);
        Assert.Equal(golden.Ids.Length < MostTokens ? FinishReason.Stop : FinishReason.Length, last.FinishReason);
    }
}

/// <summary>One <c>llmserve serve</c> process for a class of tests.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    private LlmServeProcess? _server;

    /// <summary>Where it listens.</summary>
    public string Address { get; private set; } = "";

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        _server = LlmServeProcess.Start(["serve", "--port", "0", "--grace", "0"]);
        Address = (await _server.WaitForLineAsync("serving")).Split(' ')[^1];
    }

    /// <inheritdoc/>
    public Task DisposeAsync()
    {
        _server?.Dispose();
        return Task.CompletedTask;
    }
}
