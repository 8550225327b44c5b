using System.CommandLine;
using LlmServe.Cli.App;
using LlmServe.Cli.Json;
using LlmServe.Cli.LoadTest;
using LlmServe.Cli.Options;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve loadtest</c>: exit code 0 if every request ended as it should and no bound is exceeded, 1 if not.</summary>
internal static class LoadTestCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var command = new Command("loadtest", "Put many streaming clients on a server, and report times, rates and errors");
        var server = ServerOption.AddTo(command);
        var options = LoadTestOptions.AddTo(command, server);
        var connection = ServerConnection.AddTo(command, server);
        var local = LocalServerOptions.AddTo(command, server);
        command.SetAction(async (parsed, _) =>
        {
            var target = parsed.GetValue(server) is { } address ? new LoadTarget(address, connection.Read(parsed, services.Environment)) : null;
            var session = new LoadTestSession(services, options.Read(parsed), target, local.Read(parsed));
            var report = await session.RunAsync(services.Interrupts.Token);
            if (parsed.GetValue(options.Json))
            {
                JsonLines.WriteObject(services.Console.Out, writer => LoadTestJson.Write(writer, report));
            }
            else
            {
                LoadTestMarkdown.Write(services.Console.Out, report);
            }

            return report.Violations.Any() ? ExitCode.Failure : ExitCode.Ok;
        });
        return command;
    }
}
