using System.CommandLine;
using LlmServe.Cli.App;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve man</c>: the manual page, made of what <c>--help</c> shows.</summary>
internal static class ManCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var command = new Command("man", "Print the manual page, in troff: llmserve man > ~/.local/share/man/man1/llmserve.1");
        command.SetAction(_ => ManPage.Write(services.Console.Out, CommandLineApp.Build(services)));
        return command;
    }
}
