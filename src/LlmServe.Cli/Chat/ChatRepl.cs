using LlmServe.Cli.App;
using LlmServe.Cli.Terminal;

namespace LlmServe.Cli.Chat;

/// <summary>The conversation at the prompt: turns, and lines that are a <c>/command</c>.</summary>
internal sealed class ChatRepl
{
    private const string Help = """
        /reset        start a new conversation (the system message stays)
        /system TEXT  set the system message; without TEXT show it, /system none removes it
        /help         this list
        /exit         leave (also Ctrl-D)
        Ctrl-C        stop the answer; at the prompt: leave
        A backslash at the end of a line goes on in the next one; three quotes
        begin and end a text of several lines; a paste is one turn.
        """;

    private readonly CliConsole _console;
    private readonly Interrupts _interrupts;
    private readonly IChatConnection _connection;
    private readonly TurnReader _turns;
    private readonly Conversation _conversation = new();

    /// <param name="console">Where answers go.</param>
    /// <param name="interrupts">Ctrl-C.</param>
    /// <param name="connection">Who answers.</param>
    /// <param name="lines">Who asks.</param>
    /// <param name="system">The first system message, or null.</param>
    public ChatRepl(CliConsole console, Interrupts interrupts, IChatConnection connection, ILineReader lines, string? system)
    {
        _console = console;
        _interrupts = interrupts;
        _connection = connection;
        _turns = new TurnReader(lines);
        _conversation.System = system;
    }

    /// <summary>Runs until <c>/exit</c> or the end of input.</summary>
    /// <returns>An exit code: a failed turn ends a script, but not a person's conversation.</returns>
    public async Task<int> RunAsync()
    {
        if (_console.IsInteractive)
        {
            _console.WriteNote($"{_connection.Model} · /help for help, /exit or Ctrl-D to leave");
        }

        while (await _turns.ReadAsync(_interrupts.Token) is { } line)
        {
            string text = line.Trim();
            if (text.Length == 0)
            {
                continue;
            }

            if (!text.Contains('\n', StringComparison.Ordinal) && ChatCommandLine.TryParse(text, out var command))
            {
                if (!Execute(command))
                {
                    return ExitCode.Ok;
                }

                continue;
            }

            if (!await TakeTurnAsync(text) && !_console.IsInteractive)
            {
                return ExitCode.Failure;
            }
        }

        return ExitCode.Ok;
    }

    /// <summary>Asks and shows one answer.</summary>
    /// <returns>Whether the turn succeeded; after a failure the conversation stands as before it.</returns>
    private async Task<bool> TakeTurnAsync(string text)
    {
        _conversation.AddUser(text);
        try
        {
            var answer = await new AnswerPrinter(_console, _interrupts).PrintAsync(token => _connection.ChatAsync(_conversation.Messages, token));
            _conversation.AddAssistant(answer.Text);
            if (_console.IsInteractive)
            {
                _console.WriteNote(answer.End is null ? "(stopped)" : AnswerPrinter.Figures(answer.End));
            }

            return true;
        }
        catch (Exception error) when (error is not (OperationCanceledException or OutputClosedException))
        {
            _conversation.RemoveLast();
            _console.WriteError(ErrorReport.Describe(error));
            return false;
        }
    }

    /// <returns>Whether the conversation goes on.</returns>
    private bool Execute(ChatCommandLine command)
    {
        switch (command.Name)
        {
            case "exit" or "quit":
                return false;
            case "help":
                _console.WriteNote(Help);
                break;
            case "reset":
                _conversation.Reset();
                _console.WriteNote("new conversation");
                break;
            case "system":
                SetSystem(command.Argument);
                break;
            default:
                _console.WriteNote($"unknown command /{command.Name}; /help lists the commands");
                break;
        }

        return true;
    }

    private void SetSystem(string argument)
    {
        if (argument.Length == 0)
        {
            _console.WriteNote(_conversation.System is null ? "no system message" : $"system message: {_conversation.System}");
            return;
        }

        _conversation.System = argument == "none" ? null : argument;
        _console.WriteNote(_conversation.System is null ? "system message removed" : "system message set");
    }
}
