using LlmServe.Cli.App;
using LlmServe.Cli.Terminal;

namespace LlmServe.Cli.Options;

/// <summary>Text arguments that may also come from a file or a pipe.</summary>
internal static class PromptSource
{
    /// <summary>The name that stands for standard input.</summary>
    public const string StandardInput = "-";

    /// <summary>The prompt itself, or all of standard input for <c>-</c>.</summary>
    /// <exception cref="CliException">Nothing is there.</exception>
    /// <exception cref="OperationCanceledException">Ctrl-C while waiting for input.</exception>
    public static async Task<string> ReadAsync(CliServices services, string prompt)
    {
        string text = prompt == StandardInput ? await services.LeaveOnInterruptAsync(() => ReadAll(services.Console)) : prompt;
        return text.Length > 0 ? text : throw new CliException("the prompt is empty; give some text, or - to read standard input", ExitCode.Usage);
    }

    /// <summary>All of standard input, byte for byte: a byte order mark is part of the text.</summary>
    public static string ReadAll(CliConsole console)
    {
        string text = console.In.ReadToEnd();
        if (console.Repairs?.WasNeeded == true)
        {
            console.WriteNote("standard input is not all UTF-8: each wrong byte was read as U+FFFD");
        }

        return text;
    }

    /// <summary>Opens a file for reading, or standard input for <c>-</c>.</summary>
    /// <exception cref="CliException">There is no such file.</exception>
    public static TextReader OpenText(CliConsole console, string path, string option)
    {
        if (path == StandardInput)
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
