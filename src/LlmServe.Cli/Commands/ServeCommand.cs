using System.CommandLine;
using LlmServe.Cli.App;
using LlmServe.Cli.Chat;
using LlmServe.Cli.Models;
using LlmServe.Cli.Options;
using LlmServe.Server;
using Microsoft.Extensions.Logging;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve serve</c>.</summary>
internal static class ServeCommand
{
    private const int LongestGrace = 24 * 60 * 60;

    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var host = OptionFactory.Text("--host", "ADDRESS", "IP address to listen on (default 127.0.0.1; 0.0.0.0 for every network, which has no access control)");
        var port = OptionFactory.Integer("--port", $"TCP port; 0 takes a free one (default {ServerAddress.DefaultPort})", 0, 65535);
        var grace = OptionFactory.Integer("--grace", "Seconds that running answers may go on after Ctrl-C or SIGTERM (default 10)", 0, LongestGrace);
        var log = OptionFactory.Switch("--log", "Log calls and failures to standard error");
        var command = new Command("serve", "Serve a model over gRPC until Ctrl-C or SIGTERM") { host, port, grace, log };
        var model = ModelOptions.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            var options = new ServerOptions
            {
                Host = parsed.GetValue(host) ?? "127.0.0.1",
                Port = parsed.GetValue(port) ?? ServerAddress.DefaultPort,
                GracePeriod = TimeSpan.FromSeconds(parsed.GetValue(grace) ?? 10),
            };
            using var loggers = CreateLoggers(parsed.GetValue(log) ? LogLevel.Information : LogLevel.Warning);
            return await ServeAsync(services, model.Read(parsed), options, loggers);
        });
        return command;
    }

    private static async Task<int> ServeAsync(CliServices services, ModelSettings settings, ServerOptions options, ILoggerFactory loggers)
    {
        var console = services.Console;
        await using var server = await LocalServer.StartAsync(services, settings, options, loggers, services.Interrupts.Token, measureFirst: true);
        console.Out.WriteLine($"serving {server.Description} at {server.Address.ToString().TrimEnd('/')}");
        console.Out.Flush();
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (services.Interrupts.Token.Register(stopped.SetResult))
        {
            await stopped.Task;
        }

        if (console.ErrorIsTerminal)
        {
            console.WriteNote($"stopping: running answers have {options.GracePeriod.TotalSeconds:0} s to finish; Ctrl-C again ends at once");
        }

        await server.StopAsync();
        return ExitCode.Ok;
    }

    // The host logs with a stack trace what it also throws, and what is thrown becomes our one line.
    private static ILoggerFactory CreateLoggers(LogLevel level) => LoggerFactory.Create(builder => builder
        .SetMinimumLevel(level)
        .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
        .AddSimpleConsole(format => format.SingleLine = true)
        .AddConsole(sink => sink.LogToStandardErrorThreshold = LogLevel.Trace));
}
