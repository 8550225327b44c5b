using System.CommandLine;
using LlmServe.Cli.App;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve completion SHELL</c>: prints what a shell needs to complete commands, options and values; it asks the program itself for them.</summary>
internal static class CompletionCommand
{
    // Without a suggestion all three go on to the names of files.
    private const string Bash = """
        _llmserve() {
            local IFS=$'\n'
            COMPREPLY=($(compgen -W "$(llmserve "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _llmserve llmserve
        """;

    private const string Zsh = """
        #compdef llmserve
        _llmserve() {
            local -a found
            found=("${(@f)$(llmserve "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
            if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
        }
        compdef _llmserve llmserve
        """;

    private const string Fish = """
        complete -c llmserve -a '(llmserve "[suggest:"(commandline -C)"]" (commandline -p) 2>/dev/null)'
        """;

    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Print a script with which a shell completes this program's command lines: source <(llmserve completion bash)") { shell };
        command.SetAction(parsed => services.Console.Out.WriteLine(parsed.GetRequiredValue(shell) switch
        {
            "bash" => Bash,
            "zsh" => Zsh,
            _ => Fish,
        }));
        return command;
    }
}
