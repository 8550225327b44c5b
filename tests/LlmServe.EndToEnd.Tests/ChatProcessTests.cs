using LlmServe.EndToEnd.Tests.Support;

namespace LlmServe.EndToEnd.Tests;

/// <summary>Chats and servers as real processes with the embedded model.</summary>
public class ChatProcessTests
{
    private const string AnswerTokens = "6";
    private static readonly string[] Greedy = ["--temperature", "0", "--top-p", "1", "--repetition-penalty", "1"];
    private const string WindowsSkip = "SKIPPED: signals are tested where they are POSIX";

    [Fact]
    public async Task Chat_OnePromptIntoAPipe_IsTheAnswerAndNothingElse()
    {
        var result = await LlmServeProcess.RunAsync("", ["chat", "Why is the sky blue?", "--max-tokens", AnswerTokens, .. Greedy]);

        Assert.Equal(0, result.Code);
        AssertStartsGoldenAnswer(result.Out);
        Assert.Empty(result.Error);
    }

    [Fact]
    public async Task Chat_LinesFromAPipe_AreTurnsOfOneConversation()
    {
        var both = await LlmServeProcess.RunAsync("Say hello.\nSay it again.\n", "chat", "--max-tokens", "4");
        var second = await LlmServeProcess.RunAsync("Say it again.\n", "chat", "--max-tokens", "4");

        Assert.Equal(0, both.Code);
        Assert.Empty(both.Error);
        Assert.DoesNotContain('\e', both.Out);
        Assert.Equal(2, both.Out.TrimEnd().Split('\n').Length);
        Assert.NotEqual(second.Out.Trim(), both.Out.TrimEnd().Split('\n')[1]);
    }

    [Fact]
    public async Task Run_RawPromptFromAPipe_ContinuesIt()
    {
        var result = await LlmServeProcess.RunAsync("The capital of France is", "run", "-", "--max-tokens", "3", "--seed", "7", "--temperature", "0.5");
        var again = await LlmServeProcess.RunAsync("", "run", "The capital of France is", "--max-tokens", "3", "--seed", "7", "--temperature", "0.5");

        Assert.Equal(0, result.Code);
        Assert.NotEmpty(result.Out.Trim());
        Assert.Equal(result.Out, again.Out);
    }

    [SkippableTheory]
    [InlineData(LlmServeProcess.Interrupt)]
    [InlineData(LlmServeProcess.Terminate)]
    public async Task Serve_Signal_StopsItCleanly(int signal)
    {
        Skip.If(OperatingSystem.IsWindows(), WindowsSkip);
        using var server = LlmServeProcess.Start(["serve", "--port", "0"]);
        await server.WaitForLineAsync("serving");

        server.Send(signal);
        var result = await server.FinishAsync();

        Assert.Equal(0, result.Code);
        Assert.Empty(result.Error);
    }

    [SkippableFact]
    public async Task Serve_OtherProcesses_ChatAndAskForHealth()
    {
        Skip.If(OperatingSystem.IsWindows(), WindowsSkip);
        using var server = LlmServeProcess.Start(["serve", "--port", "0"]);
        string address = (await server.WaitForLineAsync("serving")).Split(' ')[^1];

        var health = await LlmServeProcess.RunAsync("", "health", "--address", address);
        var unknown = await LlmServeProcess.RunAsync("", "health", "--address", address, "--service", "no.such.Service");
        var chat = await LlmServeProcess.RunAsync("", ["chat", "Why is the sky blue?", "--max-tokens", AnswerTokens, "--server", address, .. Greedy]);
        var invalid = await LlmServeProcess.RunAsync("", "chat", "Hello", "--stop", "", "--server", address);
        var clash = await LlmServeProcess.RunAsync("", "serve", "--port", new Uri(address).Port.ToString());
        server.Send(LlmServeProcess.Terminate);
        var stopped = await server.FinishAsync();
        var gone = await LlmServeProcess.RunAsync("", "health", "--address", address);

        Assert.Equal((0, "serving\n"), (health.Code, health.Out));
        Assert.Equal(1, unknown.Code);
        Assert.Equal(0, chat.Code);
        AssertStartsGoldenAnswer(chat.Out);
        Assert.Equal(1, invalid.Code);
        Assert.Contains("stop", invalid.Error);
        Assert.Equal(1, clash.Code);
        Assert.StartsWith("llmserve: error: cannot listen on 127.0.0.1:", clash.Error);
        Assert.Single(clash.Error.TrimEnd().Split('\n'));
        Assert.Equal(0, stopped.Code);
        Assert.Equal(1, gone.Code);
    }

    [SkippableFact]
    public async Task Chat_InterruptDuringAnAnswer_GoesOnWithTheNextTurn()
    {
        Skip.If(OperatingSystem.IsWindows(), WindowsSkip);
        using var chat = LlmServeProcess.Start(["chat"]);
        await chat.In.WriteLineAsync("Write a very long story about a river.");
        await chat.In.FlushAsync();
        await chat.ReadAsync(3);

        chat.Send(LlmServeProcess.Interrupt);
        await chat.WriteInputAsync("/exit\n");
        var result = await chat.FinishAsync();

        Assert.Equal(0, result.Code);
        Assert.EndsWith("\n", result.Out);
        Assert.Empty(result.Error);
    }

    [SkippableFact]
    public async Task Chat_InterruptOfASingleAnswer_EndsWithItsOwnCode()
    {
        Skip.If(OperatingSystem.IsWindows(), WindowsSkip);
        using var chat = LlmServeProcess.Start(["chat", "Write a very long story about a river."]);
        await chat.ReadAsync(3);

        chat.Send(LlmServeProcess.Interrupt);
        var result = await chat.FinishAsync();

        Assert.Equal(130, result.Code);
        Assert.Empty(result.Error);
    }

    [SkippableFact]
    public async Task Chat_InterruptAtThePrompt_EndsWithItsOwnCode()
    {
        Skip.If(OperatingSystem.IsWindows(), WindowsSkip);
        using var chat = LlmServeProcess.Start(["chat", "--max-tokens", "1"]);
        await chat.In.WriteLineAsync("Hello");
        await chat.In.FlushAsync();
        await chat.Out.ReadLineAsync();

        chat.Send(LlmServeProcess.Interrupt);
        var result = await chat.FinishAsync();

        Assert.Equal(130, result.Code);
    }

    [SkippableFact]
    public async Task Chat_ReaderThatLeaves_EndsTheAnswer()
    {
        Skip.If(OperatingSystem.IsWindows(), WindowsSkip);
        using var chat = LlmServeProcess.Start(["chat", "Write a very long story about a river."]);
        await chat.ReadAsync(3);

        chat.Out.Close();

        Assert.Equal("", await chat.WaitForErrorAsync());
        Assert.Equal(0, await chat.WaitForCodeAsync());
    }

    /// <summary>The answer to "Why is the sky blue?", cut after a few tokens, as an independent implementation gives it.</summary>
    private static void AssertStartsGoldenAnswer(string output)
    {
        string golden = GreedyCase.All[0].Text;
        Assert.EndsWith("\n", output);
        Assert.InRange(output.Length, 10, 60);
        Assert.StartsWith(output.TrimEnd('\n'), golden);
    }
}
