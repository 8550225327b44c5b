using LlmServe.Cli.Chat;
using LlmServe.Cli.Tests.Support;

namespace LlmServe.Cli.Tests;

public class TurnReaderTests
{
    private const string Quotes = "\"\"\"";

    [Theory]
    [InlineData(new[] { "one", "two" }, new[] { "one", "two" })]
    [InlineData(new[] { "one\\", "  two\\", "three", "four" }, new[] { "one\n  two\nthree", "four" })]
    [InlineData(new[] { @"C:\temp\\", "next" }, new[] { @"C:\temp\\", "next" })]
    [InlineData(new[] { "one\\" }, new[] { "one" })]
    [InlineData(new[] { Quotes, "one", "", "  /exit", Quotes, "two" }, new[] { "one\n\n  /exit", "two" })]
    [InlineData(new[] { "  " + Quotes + "one", "two" + Quotes, "three" }, new[] { "one\ntwo", "three" })]
    [InlineData(new[] { Quotes + "one" + Quotes, "two" }, new[] { "one", "two" })]
    [InlineData(new[] { Quotes, "one\\", "two" }, new[] { "one\\\ntwo" })]
    [InlineData(new[] { Quotes + Quotes, "two" }, new[] { "", "two" })]
    [InlineData(new[] { "pasted\n" + Quotes + "\nlines\\", "two" }, new[] { "pasted\n" + Quotes + "\nlines\\", "two" })]
    public async Task ReadAsync_Lines_BecomeTurns(string[] lines, string[] expected)
    {
        var reader = new TurnReader(new ScriptedLines(lines));
        var turns = new List<string>();
        while (await reader.ReadAsync(CancellationToken.None) is { } turn)
        {
            turns.Add(turn);
        }

        Assert.Equal(expected, turns);
    }

    [Fact]
    public async Task ReadAsync_FurtherLines_HaveAPromptOfTheirOwn()
    {
        var lines = new ScriptedLines("one\\", "two", Quotes, "three", Quotes);
        var reader = new TurnReader(lines);

        await reader.ReadAsync(CancellationToken.None);
        await reader.ReadAsync(CancellationToken.None);

        Assert.Equal(["> ", "... ", "> ", "... ", "... "], lines.Prompts);
    }
}
