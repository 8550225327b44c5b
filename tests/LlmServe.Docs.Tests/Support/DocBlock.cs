namespace LlmServe.Docs.Tests.Support;

/// <summary>A block of code of a page.</summary>
/// <param name="Page">The page's path from the repository's root.</param>
/// <param name="Line">Where it begins, from 1.</param>
/// <param name="Language">What stands behind the fence; empty of an indented block.</param>
/// <param name="Text">Its lines.</param>
internal sealed record DocBlock(string Page, int Line, string Language, string Text)
{
    /// <summary>Where it stands, as editors understand it.</summary>
    public string Place => $"{Page}:{Line}";

    /// <summary>The commands of a shell block: lines, those that a backslash continues joined, without comments behind them.</summary>
    public IEnumerable<string> Commands => Language switch
    {
        "sh" => Lines(Text),
        "console" => Lines(string.Join('\n', Text.Split('\n').Where(line => line.StartsWith("$ ", StringComparison.Ordinal)).Select(line => line[2..]))),
        _ => [],
    };

    private static IEnumerable<string> Lines(string text) => text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n')
        .Select(line => line.Split(" #")[0].Trim())
        .Where(line => line.Length > 0 && line[0] != '#');
}
