using LlmServe.Cli.App;
using LlmServe.Cli.Terminal;

namespace LlmServe.Cli.Options;

/// <summary>Text arguments that may also come from a file or a pipe.</summary>
internal static class PromptSource
{
    /// <summary>The prompt itself, or all of standard input for <c>-</c>.</summary>
    /// <exception cref="CliException">Nothing is there.</exception>
    public static string Read(CliConsole console, string prompt)
    {
        string text = prompt == "-" ? console.In.ReadToEnd() : prompt;
        return text.Length > 0 ? text : throw new CliException("the prompt is empty; give some text, or - to read standard input", ExitCode.Usage);
    }

    /// <summary>Opens a file for reading, or standard input for <c>-</c>.</summary>
    /// <exception cref="CliException">There is no such file.</exception>
    public static TextReader OpenText(CliConsole console, string path, string option)
    {
        if (path == "-")
        {
            return console.In;
        }

        try
        {
            return new StreamReader(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException($"{option}: cannot read {path}: {error.Message}", ExitCode.Failure, error);
        }
    }
}
