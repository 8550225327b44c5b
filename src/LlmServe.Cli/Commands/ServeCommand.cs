using System.CommandLine;
using LlmServe.Cli.App;
using LlmServe.Cli.Serve;
using LlmServe.Cli.Terminal;
using LlmServe.Server;
using Microsoft.Extensions.Logging;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve serve</c>.</summary>
internal static class ServeCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var command = new Command("serve", "Serve a model over gRPC until Ctrl-C or SIGTERM");
        var options = ServeOptionSet.AddTo(command);
        command.SetAction((parsed, _) => ServeAsync(services, options.Read(parsed, services.Environment)));
        return command;
    }

    private static async Task<int> ServeAsync(CliServices services, ServeSettings settings)
    {
        var console = services.Console;
        using var loggers = ServeLogging.Create(settings.Log);
        await using var server = await HostedServer.StartAsync(
            settings.Model, settings.Server, settings.Engine, loggers, services.Models, new ConsoleLoadWatcher(console), services.Interrupts.Token);
        using var reloader = new SecretReloader(server, settings.Secrets, loggers.CreateLogger<SecretReloader>());
        reloader.WarnOfReaders();
        console.Out.WriteLine($"serving {server.Model.Description} at {server.Address.ToString().TrimEnd('/')}");
        if (server.MetricsAddress is { } metrics)
        {
            console.Out.WriteLine($"metrics at {metrics}");
        }

        console.Out.Flush();
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (services.Interrupts.Token.Register(stopped.SetResult))
        {
            await stopped.Task;
        }

        if (console.ErrorIsTerminal)
        {
            var work = server.Model.Engine.Statistics;
            console.WriteNote(work.Running + work.Waiting == 0
                ? "stopping"
                : $"stopping: running answers have {settings.Server.GracePeriod.TotalSeconds:0} s to finish; Ctrl-C again ends at once");
        }

        await server.StopAsync();
        return ExitCode.Ok;
    }
}
