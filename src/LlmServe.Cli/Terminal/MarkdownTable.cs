namespace LlmServe.Cli.Terminal;

/// <summary>Tables that read well as plain text and that a Markdown file can carry.</summary>
internal static class MarkdownTable
{
    /// <summary>Characters of a terminal's line.</summary>
    public const int TerminalWidth = 80;

    /// <summary>
    /// Writes tables, each of rows of equal length, the first being the headings: columns that only hold figures to the right. Columns that do not fit beside each other
    /// go into further tables, which all begin with the first column.
    /// </summary>
    public static void Write(TextWriter output, params IReadOnlyList<IReadOnlyList<string[]>> tables)
    {
        output.WriteLine();
        foreach (var table in tables)
        {
            WriteInParts(output, table);
        }
    }

    private static void WriteInParts(TextWriter output, IReadOnlyList<string[]> rows)
    {
        string[][] cells = [.. rows.Select(row => row.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal)).ToArray())];
        int[] widths = [.. Enumerable.Range(0, cells[0].Length).Select(column => cells.Max(row => row[column].Length))];
        foreach (int[] columns in Groups(widths))
        {
            WritePart(output, [.. cells.Select(row => columns.Select(column => row[column]).ToArray())], [.. columns.Select(column => widths[column])]);
            output.WriteLine();
        }
    }

    private static void WritePart(TextWriter output, string[][] cells, int[] widths)
    {
        bool[] figures = [.. Enumerable.Range(0, widths.Length).Select(column => cells.Skip(1).All(row => IsFigure(row[column])))];
        string Line(string[] row) => $"| {string.Join(" | ", row.Select((cell, i) => figures[i] ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i])))} |";
        output.WriteLine(Line(cells[0]));
        output.WriteLine($"| {string.Join(" | ", widths.Select((width, i) => figures[i] ? new string('-', Math.Max(1, width - 1)) + ":" : new string('-', width)))} |");
        foreach (string[] row in cells.Skip(1))
        {
            output.WriteLine(Line(row));
        }
    }

    private static IEnumerable<int[]> Groups(int[] widths)
    {
        // "| ", then each column with what is behind it.
        int Taken(int column) => widths[column] + 3;
        int first = 1 + Taken(0);
        List<int> group = [0];
        int taken = first;
        for (int column = 1; column < widths.Length; column++)
        {
            if (group.Count > 1 && taken + Taken(column) > TerminalWidth)
            {
                yield return [.. group];
                group = [0];
                taken = first;
            }

            group.Add(column);
            taken += Taken(column);
        }

        yield return [.. group];
    }

    private static bool IsFigure(string cell) => cell.Length > 0 && (char.IsAsciiDigit(cell[0]) || cell == "–");
}
