using LlmServe.Cli.Terminal;

namespace LlmServe.Cli.Tests;

public class MarkdownTableTests
{
    [Fact]
    public void Write_Figures_StandToTheRight()
    {
        Assert.Equal("\n| name | t/s |\n| ---- | --: |\n| a\\|b |   1 |\n| c    | 100 |\n\n", Written([["name", "t/s"], ["a|b", "1"], ["c", "100"]]));
    }

    [Fact]
    public void Write_WiderThanATerminal_GoesOnInFurtherTablesWithTheFirstColumn()
    {
        string[] heading = ["name", .. Enumerable.Range(0, 12).Select(i => $"column number {i}")];
        string[] row = ["a", .. Enumerable.Range(0, 12).Select(i => $"{i}")];

        string[] lines = Written([heading, row]).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.All(lines, line => Assert.InRange(line.Length, 1, MarkdownTable.TerminalWidth));
        Assert.Equal(4, lines.Count(line => line.StartsWith("| name |", StringComparison.Ordinal)));
        Assert.Equal(row.Skip(1), lines.Where(line => line.StartsWith("| a ", StringComparison.Ordinal)).SelectMany(line => line.Split('|')[2..^1]).Select(cell => cell.Trim()));
    }

    private static string Written(IReadOnlyList<string[]> rows)
    {
        var writer = new StringWriter { NewLine = "\n" };
        MarkdownTable.Write(writer, rows);
        return writer.ToString();
    }
}
