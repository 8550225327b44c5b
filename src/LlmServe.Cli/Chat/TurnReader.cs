using System.Text;

namespace LlmServe.Cli.Chat;

/// <summary>
/// Turns of one or several lines: a line is a turn, unless it ends with a backslash (the next line goes on), begins with three quotes (all up to the next three
/// quotes is the turn), or was pasted with line breaks in it.
/// </summary>
internal sealed class TurnReader(ILineReader lines)
{
    private const string First = "> ";
    private const string Further = "... ";
    private const string Quotes = "\"\"\"";

    /// <summary>The next turn, or null at the end of input; a turn that the end cuts short is one.</summary>
    /// <exception cref="OperationCanceledException">The program is to end.</exception>
    public async Task<string?> ReadAsync(CancellationToken cancellation)
    {
        if (await lines.ReadLineAsync(First, cancellation) is not { } line)
        {
            return null;
        }

        return line.Contains('\n', StringComparison.Ordinal) ? line
            : line.TrimStart().StartsWith(Quotes, StringComparison.Ordinal) ? await ReadQuotedAsync(line.TrimStart()[Quotes.Length..], cancellation)
            : await ReadContinuedAsync(line, cancellation);
    }

    private async Task<string> ReadQuotedAsync(string line, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        for (string? next = line; next is not null; next = await lines.ReadLineAsync(Further, cancellation))
        {
            int end = next.IndexOf(Quotes, StringComparison.Ordinal);
            Append(text, end < 0 ? next : next[..end], skipIfEmpty: end >= 0 || text.Length == 0);
            if (end >= 0)
            {
                break;
            }
        }

        return text.ToString();
    }

    private async Task<string> ReadContinuedAsync(string line, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        while (GoesOn(line))
        {
            Append(text, line[..^1], skipIfEmpty: false);
            if (await lines.ReadLineAsync(Further, cancellation) is not { } next)
            {
                return text.ToString();
            }

            line = next;
        }

        Append(text, line, skipIfEmpty: false);
        return text.ToString();
    }

    /// <summary>Two backslashes at the end are those characters.</summary>
    private static bool GoesOn(string line) => (line.Length - line.TrimEnd('\\').Length) % 2 == 1;

    private static void Append(StringBuilder text, string line, bool skipIfEmpty)
    {
        if (skipIfEmpty && line.Length == 0)
        {
            return;
        }

        text.Append(text.Length > 0 ? "\n" : "").Append(line);
    }
}
