using System.CommandLine;
using System.Reflection;

namespace LlmServe.Cli.Commands;

/// <summary>A manual page in troff's man macros.</summary>
internal static class ManPage
{
    /// <summary>Writes the page of a program.</summary>
    public static void Write(TextWriter output, Command program)
    {
        string version = typeof(ManPage).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";
        output.WriteLine($".TH LLMSERVE 1 \"\" \"llmserve {version}\" \"User Commands\"");
        Section(output, "NAME", $"llmserve \\- {Escape(program.Description)}");
        Section(output, "SYNOPSIS", ".B llmserve\n.I COMMAND\n[OPTIONS] [ARGUMENTS]");
        output.WriteLine(".SH COMMANDS");
        foreach (var command in program.Subcommands.Where(command => !command.Hidden))
        {
            WriteCommand(output, command);
        }

        Section(output, "EXIT STATUS", """
            0: done. 1: the command was understood and failed. 2: the command line is wrong. 130: interrupted.
            """);
        Section(output, "ENVIRONMENT", """
            Every option of
            .B serve
            is also a variable: \-\-max\-queue is LLMSERVE_MAX_QUEUE. LLMSERVE_MODEL and LLMSERVE_ISA count for all commands that load a model,
            LLMSERVE_API_KEY and LLMSERVE_TLS_CA for those that call a server, LLMSERVE_HISTORY for chat. docs/environment.md has the whole list.
            """);
        Section(output, "FILES", """
            ~/.cache/llmserve: repacked weights and the measured machine (XDG_CACHE_HOME). ~/.local/state/llmserve/history: what was typed in chats (XDG_STATE_HOME).
            """);
    }

    private static void WriteCommand(TextWriter output, Command command)
    {
        string arguments = string.Join(' ', command.Arguments.Select(argument =>
            argument.Arity.MinimumNumberOfValues > 0 ? Escape(argument.Name) : $"[{Escape(argument.Name)}]"));
        output.WriteLine($".SS llmserve {Escape(command.Name)} {arguments}".TrimEnd());
        output.WriteLine(Line(command.Description));
        foreach (var argument in command.Arguments)
        {
            Entry(output, $".I {Escape(argument.Name)}", argument.Description);
        }

        foreach (var option in command.Options.Where(option => !option.Hidden))
        {
            string names = string.Join(", ", option.Aliases.Where(alias => alias.StartsWith('-')).Prepend(option.Name).Select(Escape));
            Entry(output, option.HelpName is { } value ? $".BI \"{names} \" \"{Escape(value)}\"" : $".B {names}", option.Description);
        }
    }

    private static void Section(TextWriter output, string title, string text)
    {
        output.WriteLine($".SH {title}");
        output.WriteLine(text.Trim());
    }

    private static void Entry(TextWriter output, string term, string? text)
    {
        output.WriteLine(".TP");
        output.WriteLine(term);
        output.WriteLine(Line(text));
    }

    /// <summary>A line of text; one that begins with a dot or an apostrophe would be taken for a command of troff.</summary>
    private static string Line(string? text) => Escape(text) is var line && line.Length > 0 && line[0] is '.' or '\'' ? $"\\&{line}" : line;

    private static string Escape(string? text) => (text ?? "").ReplaceLineEndings(" ").Trim()
        .Replace("\\", "\\e", StringComparison.Ordinal)
        .Replace("-", "\\-", StringComparison.Ordinal)
        .Replace("\"", "\\(dq", StringComparison.Ordinal)
        .Replace("…", "...", StringComparison.Ordinal);
}
