namespace LlmServe.Cli.Chat;

/// <summary>A line such as <c>/system Be brief.</c></summary>
/// <param name="Name">The word after the slash, in lower case.</param>
/// <param name="Argument">The rest, trimmed; empty where there is none.</param>
internal readonly record struct ChatCommandLine(string Name, string Argument)
{
    /// <summary>Reads a command; a text that merely begins with a slash (a path, a fraction) is none.</summary>
    public static bool TryParse(string line, out ChatCommandLine command)
    {
        command = default;
        if (line.Length < 2 || line[0] != '/')
        {
            return false;
        }

        int end = 1;
        while (end < line.Length && char.IsAsciiLetter(line[end]))
        {
            end++;
        }

        if (end == 1 || (end < line.Length && !char.IsWhiteSpace(line[end])))
        {
            return false;
        }

        command = new ChatCommandLine(line[1..end].ToLowerInvariant(), line[end..].Trim());
        return true;
    }
}
