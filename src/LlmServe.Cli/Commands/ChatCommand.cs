using System.CommandLine;
using LlmServe.Cli.App;
using LlmServe.Cli.Chat;
using LlmServe.Cli.Options;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve chat [PROMPT]</c>.</summary>
internal static class ChatCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var prompt = new Argument<string?>("PROMPT")
        {
            Description = "Answer this and exit. Left out: a conversation; without a terminal each line of standard input is a turn",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var system = OptionFactory.Text("--system", "TEXT", "System message");
        var command = new Command("chat", "Chat with a model; text appears as it is generated") { prompt, system };
        var sampling = SamplingOptionSet.AddTo(command, SamplingOptionSet.ChatDefaults);
        var rules = RuleOptions.AddTo(command, ": what the answer may be");
        var server = ServerOption.AddTo(command);
        var connection = ServerConnection.AddTo(command, server);
        var model = ModelOptions.AddTo(command);
        model.ExcludeBeside(command, server);
        command.SetAction(async (parsed, _) =>
        {
            string? address = parsed.GetValue(server);
            // Without a server nobody needs the file of roots that the environment may name.
            var access = address is null ? null : connection.Read(parsed, services.Environment);
            await using var session = await ChatSession.OpenAsync(services, address, model.Read(parsed), sampling.Read(parsed, address is not null) with { Rule = rules.Read(services, parsed) }, access);
            var answers = session.RequireChat();
            string? text = parsed.GetValue(prompt);
            return text is null
                ? await new ChatRepl(services.Console, services.Interrupts, answers, CreateLines(services), parsed.GetValue(system)).RunAsync()
                : await AnswerOnceAsync(services, answers, text, parsed.GetValue(system));
        });
        return command;
    }

    /// <summary>One question, one answer.</summary>
    internal static async Task<int> AnswerOnceAsync(CliServices services, IChatConnection connection, string prompt, string? system)
    {
        var conversation = new Conversation { System = system };
        conversation.AddUser(prompt);
        return await PrintOnceAsync(services, token => connection.ChatAsync(conversation.Messages, token));
    }

    /// <summary>Prints one stream; Ctrl-C ends it and with it the command.</summary>
    internal static async Task<int> PrintOnceAsync(CliServices services, Func<CancellationToken, IAsyncEnumerable<AnswerPiece>> ask)
    {
        var answer = await new AnswerPrinter(services.Console, services.Interrupts).PrintAsync(ask);
        if (answer.End is null)
        {
            return ExitCode.Interrupted;
        }

        if (services.Console.OutIsTerminal && services.Console.ErrorIsTerminal)
        {
            services.Console.WriteNote(AnswerPrinter.Figures(answer.End));
        }

        return ExitCode.Ok;
    }

    private static ILineReader CreateLines(CliServices services) =>
        services.Console.IsInteractive ? new TerminalLineReader(services.Console, services.Interrupts, ChatHistory.ForUser(services.Environment, services.Console.WriteNote)) : new StreamLineReader(services.Console);
}
