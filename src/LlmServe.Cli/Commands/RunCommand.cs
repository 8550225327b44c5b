using System.CommandLine;
using LlmServe.Cli.App;
using LlmServe.Cli.Chat;
using LlmServe.Cli.Options;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve run PROMPT</c>.</summary>
internal static class RunCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var prompt = new Argument<string>("PROMPT") { Description = "Text to continue; - reads it from standard input" };
        var chat = OptionFactory.Switch("--chat", "Put the prompt into the model's chat template, as one user message");
        var system = OptionFactory.Text("--system", "TEXT", "System message, with --chat");
        var command = new Command("run", "Continue a text: prompt in, text out") { prompt, chat, system };
        var sampling = SamplingOptionSet.AddTo(command, SamplingOptionSet.RunDefaults);
        var rules = RuleOptions.AddTo(command, ": what the answer may be");
        var server = ServerOption.AddTo(command);
        var connection = ServerConnection.AddTo(command, server);
        var model = ModelOptions.AddTo(command);
        model.ExcludeBeside(command, server);
        command.Validators.Add(result =>
        {
            if (result.GetResult(system) is not null && !result.GetValue(chat))
            {
                result.AddError("--system needs --chat: a raw text has no system message");
            }
        });
        command.SetAction(async (parsed, _) =>
        {
            string text = await PromptSource.ReadAsync(services, parsed.GetRequiredValue(prompt));
            string? address = parsed.GetValue(server);
            // Without a server nobody needs the file of roots that the environment may name.
            var access = address is null ? null : connection.Read(parsed, services.Environment);
            await using var session = await ChatSession.OpenAsync(services, address, model.Read(parsed), sampling.Read(parsed, address is not null) with { Rule = rules.Read(services, parsed) }, access);
            return parsed.GetValue(chat)
                ? await ChatCommand.AnswerOnceAsync(services, session.RequireChat(), text, parsed.GetValue(system))
                : await ChatCommand.PrintOnceAsync(services, token => session.Connection.GenerateAsync(text, token));
        });
        return command;
    }
}
