using Grpc.Core;
using LlmServe.Cli.App;
using LlmServe.Cli.Chat;
using LlmServe.Cli.Tests.Support;

namespace LlmServe.Cli.Tests;

public class ChatReplTests
{
    [Fact]
    public async Task RunAsync_TwoTurns_SendsTheWholeConversation()
    {
        var harness = new CliHarness();
        var connection = new FakeConnection(asked => ["answer ", $"{asked.Count}"]);

        int code = await Repl(harness, connection, "Be brief.", "one", "", "  two  ").RunAsync();

        Assert.Equal(ExitCode.Ok, code);
        Assert.Equal("answer 2\nanswer 4\n", harness.Out);
        Assert.Empty(harness.Error);
        Assert.Equal(
            [new("system", "Be brief."), new("user", "one"), new("assistant", "answer 2"), new("user", "two")],
            connection.Asked[1]);
    }

    [Fact]
    public async Task RunAsync_Reset_ForgetsTurnsAndKeepsTheSystemMessage()
    {
        var connection = new FakeConnection(_ => ["ok"]);

        await Repl(new CliHarness(), connection, "S", "one", "/reset", "two").RunAsync();

        Assert.Equal([new("system", "S"), new("user", "two")], connection.Asked[1]);
    }

    [Fact]
    public async Task RunAsync_SystemCommand_SetsShowsAndRemoves()
    {
        var harness = new CliHarness();
        var connection = new FakeConnection(_ => ["ok"]);

        await Repl(harness, connection, null, "/system Speak like a pirate.", "/system", "one", "/system none", "/reset", "two").RunAsync();

        Assert.Equal(new ChatTurn("system", "Speak like a pirate."), connection.Asked[0][0]);
        Assert.Equal([new("user", "two")], connection.Asked[1]);
        Assert.Contains("system message: Speak like a pirate.", harness.Error);
    }

    [Theory]
    [InlineData("/exit")]
    [InlineData("/quit")]
    [InlineData("/EXIT")]
    public async Task RunAsync_Exit_ReadsNoFurther(string exit)
    {
        var connection = new FakeConnection(_ => ["ok"]);

        int code = await Repl(new CliHarness(), connection, null, exit, "never").RunAsync();

        Assert.Equal(ExitCode.Ok, code);
        Assert.Empty(connection.Asked);
    }

    [Fact]
    public async Task RunAsync_HelpAndUnknownCommand_AskNobody()
    {
        var harness = new CliHarness();
        var connection = new FakeConnection(_ => ["ok"]);

        await Repl(harness, connection, null, "/help", "/nonsense").RunAsync();

        Assert.Empty(connection.Asked);
        Assert.Contains("/system TEXT", harness.Error);
        Assert.Contains("unknown command /nonsense", harness.Error);
        Assert.Empty(harness.Out);
    }

    [Fact]
    public async Task RunAsync_Interactive_ShowsGreetingAndSpeed()
    {
        var harness = new CliHarness(terminal: true, escapes: false);

        await Repl(harness, new FakeConnection(_ => ["a", "b", "c"]), null, "one").RunAsync();

        Assert.Contains("fake model", harness.Error);
        Assert.Contains("3 tokens, 1.0 tokens/s · prompt 10 tokens (4 cached) in 0.50 s", harness.Error);
        Assert.Equal("abc\n", harness.Out);
    }

    [Fact]
    public async Task RunAsync_InterruptDuringAnAnswer_StopsTheAnswerOnly()
    {
        var harness = new CliHarness(terminal: true, escapes: false);
        int asked = 0;
        var connection = new FakeConnection(_ => asked++ == 0 ? ["first ", "never"] : ["second"])
        {
            BeforePiece = piece => _ = piece == 1 && asked == 1 && harness.Interrupts.RaiseInterrupt(),
        };

        int code = await Repl(harness, connection, null, "one", "two").RunAsync();

        Assert.Equal(ExitCode.Ok, code);
        Assert.Equal("first \nsecond\n", harness.Out);
        Assert.Contains("(stopped)", harness.Error);
        Assert.Equal(new ChatTurn("assistant", "first "), connection.Asked[1][1]);
    }

    [Fact]
    public async Task RunAsync_TerminationDuringAnAnswer_EndsTheProgram()
    {
        var harness = new CliHarness();
        var connection = new FakeConnection(_ => ["first ", "never"])
        {
            BeforePiece = piece => _ = piece == 1 && harness.Interrupts.RaiseTermination(),
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Repl(harness, connection, null, "one", "two").RunAsync());
        Assert.Single(connection.Asked);
    }

    [Fact]
    public async Task RunAsync_FailedTurnOfAScript_EndsItWithTheServersWords()
    {
        var harness = new CliHarness();
        var connection = new FakeConnection(_ => throw new RpcException(new Status(StatusCode.InvalidArgument, "the prompt is too long")));

        int code = await Repl(harness, connection, null, "one", "two").RunAsync();

        Assert.Equal(ExitCode.Failure, code);
        Assert.Single(connection.Asked);
        Assert.Contains("the prompt is too long", harness.Error);
    }

    [Fact]
    public async Task RunAsync_FailedTurnOfAPerson_IsTakenBackAndTheConversationGoesOn()
    {
        var harness = new CliHarness(terminal: true, escapes: false);
        int asked = 0;
        var connection = new FakeConnection(_ => asked++ == 0 ? throw new RpcException(new Status(StatusCode.ResourceExhausted, "full")) : ["ok"]);

        int code = await Repl(harness, connection, null, "one", "two").RunAsync();

        Assert.Equal(ExitCode.Ok, code);
        Assert.Equal([new("user", "two")], connection.Asked[1]);
    }

    [Fact]
    public async Task RunAsync_EscapeCodesInAnAnswer_ReachPipesOnly()
    {
        var pipe = new CliHarness();
        var terminal = new CliHarness(terminal: true, escapes: false);

        await Repl(pipe, new FakeConnection(_ => ["\e[2J"]), null, "one").RunAsync();
        await Repl(terminal, new FakeConnection(_ => ["\e[2J"]), null, "one").RunAsync();

        Assert.Equal("\e[2J\n", pipe.Out);
        Assert.Equal("\uFFFD[2J\n", terminal.Out);
    }

    [Theory]
    [InlineData("/system  Be brief. ", true, "system", "Be brief.")]
    [InlineData("/reset", true, "reset", "")]
    [InlineData("/usr/bin is a folder", false, "", "")]
    [InlineData("/", false, "", "")]
    [InlineData("1/2", false, "", "")]
    [InlineData("/2 of it", false, "", "")]
    public void TryParse_Line_TellsCommandsFromText(string line, bool expected, string name, string argument)
    {
        Assert.Equal(expected, ChatCommandLine.TryParse(line, out var command));
        Assert.Equal(name, command.Name ?? "");
        Assert.Equal(argument, command.Argument ?? "");
    }

    private static ChatRepl Repl(CliHarness harness, IChatConnection connection, string? system, params string[] lines) =>
        new(harness.Console, harness.Interrupts, connection, new ScriptedLines(lines), system);
}
