namespace LlmServe.Cli.Terminal;

/// <summary>Tables that read well as plain text and that a Markdown file can carry.</summary>
internal static class MarkdownTable
{
    /// <summary>Writes rows of equal length, the first being the headings: columns that only hold figures to the right.</summary>
    public static void Write(TextWriter output, IReadOnlyList<string[]> rows)
    {
        string[][] cells = [.. rows.Select(row => row.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal)).ToArray())];
        int[] widths = [.. Enumerable.Range(0, cells[0].Length).Select(column => cells.Max(row => row[column].Length))];
        bool[] figures = [.. Enumerable.Range(0, widths.Length).Select(column => cells.Skip(1).All(row => IsFigure(row[column])))];
        string Line(string[] row) => $"| {string.Join(" | ", row.Select((cell, i) => figures[i] ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i])))} |";
        output.WriteLine();
        output.WriteLine(Line(cells[0]));
        output.WriteLine($"| {string.Join(" | ", widths.Select((width, i) => figures[i] ? new string('-', width - 1) + ":" : new string('-', width)))} |");
        foreach (string[] row in cells.Skip(1))
        {
            output.WriteLine(Line(row));
        }

        output.WriteLine();
    }

    private static bool IsFigure(string cell) => cell.Length > 0 && (char.IsAsciiDigit(cell[0]) || cell == "–");
}
