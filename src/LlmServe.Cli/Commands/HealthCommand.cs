using System.CommandLine;
using Grpc.Core;
using Grpc.Health.V1;
using LlmServe.Cli.App;
using LlmServe.Cli.Chat;
using LlmServe.Cli.Options;
using LlmServe.Client;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve health</c>: what a container's health check calls.</summary>
internal static class HealthCommand
{
    private const int DefaultTimeout = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.2);

    /// <summary>What is asked, and how patiently.</summary>
    /// <param name="Service">gRPC service; empty: the server as a whole.</param>
    /// <param name="Timeout">Seconds for one answer.</param>
    /// <param name="Wait">Seconds for the server to begin to serve.</param>
    private sealed record Question(string Service, int Timeout, int Wait);

    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var service = OptionFactory.Text("--service", "NAME", "gRPC service to ask about (default: the server as a whole)");
        var timeout = OptionFactory.Integer("--timeout", $"Seconds to wait for an answer (default {DefaultTimeout})", 1, 3600);
        var wait = OptionFactory.Integer("--wait", "Seconds to wait until the server serves, for scripts that have just started it (default 0)", 0, 3600);
        var command = new Command("health", "Ask a server whether it serves: exit code 0 if it does, 1 if not");
        var server = ServerOption.AddTo(command, orOwn: true);
        server.Aliases.Add("--address");
        foreach (var option in (Option[])[service, timeout, wait])
        {
            command.Options.Add(option);
        }

        var connection = ServerConnection.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            var question = new Question(parsed.GetValue(service) ?? "", parsed.GetValue(timeout) ?? DefaultTimeout, parsed.GetValue(wait) ?? 0);
            bool serving = await AskAsync(() => connection.Open(parsed, parsed.GetValue(server), services.Environment), question, services.Interrupts.Token);
            services.Console.Out.WriteLine(serving ? "serving" : "not serving");
            return serving ? ExitCode.Ok : ExitCode.Failure;
        });
        return command;
    }

    private static async Task<bool> AskAsync(Func<LlmServeClient> connect, Question question, CancellationToken cancellation)
    {
        long end = Environment.TickCount64 + (question.Wait * 1000L);
        while (true)
        {
            bool isLast = Environment.TickCount64 >= end;
            try
            {
                // A client that has been refused waits longer and longer before it tries again, so each question has one of its own.
                using var client = connect();
                bool serving = await AskOnceAsync(client, question, cancellation);
                if (serving || isLast)
                {
                    return serving;
                }
            }
            catch (CliException error) when (!isLast && error.InnerException is RpcException)
            {
                // Nobody listens there yet.
            }

            await Task.Delay(Pause, cancellation);
        }
    }

    private static async Task<bool> AskOnceAsync(LlmServeClient client, Question question, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(question.Timeout));
        try
        {
            return await client.CheckHealthAsync(question.Service, patience.Token) == HealthCheckResponse.Types.ServingStatus.Serving;
        }
        catch (RpcException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
        catch (RpcException error)
        {
            string shown = ServerAddress.Show(client);
            throw new CliException(
                ConnectionProblem.Explain(error.Status, shown) ?? $"{shown} is not healthy: {Reason(error, patience.IsCancellationRequested ? question.Timeout : null)}",
                ExitCode.Failure, error);
        }
    }

    private static string Reason(RpcException error, int? lateAfter) => error.StatusCode switch
    {
        _ when lateAfter is { } seconds => $"no answer within {seconds} s",
        StatusCode.NotFound => "it does not know that service",
        StatusCode.Unimplemented => "it has no gRPC health service",
        _ => ErrorReport.Reason(error.Status),
    };
}
