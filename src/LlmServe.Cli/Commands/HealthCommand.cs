using System.CommandLine;
using Grpc.Core;
using Grpc.Health.V1;
using LlmServe.Cli.App;
using LlmServe.Cli.Chat;
using LlmServe.Cli.Options;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve health</c>: what a container's health check calls.</summary>
internal static class HealthCommand
{
    private const int DefaultPatience = 5;

    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var address = OptionFactory.Text("--server", "URL", $"Server to ask (default {ServerAddress.Default})");
        address.Aliases.Add("--address");
        var service = OptionFactory.Text("--service", "NAME", "gRPC service to ask about (default: the server as a whole)");
        var timeout = OptionFactory.Integer("--timeout", $"Seconds to wait for the answer (default {DefaultPatience})", 1, 3600);
        var command = new Command("health", "Ask a server whether it serves: exit code 0 if it does, 1 if not") { address, service, timeout };
        var connection = ServerConnection.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            using var client = ServerAddress.Open(parsed.GetValue(address) ?? ServerAddress.Default, connection.Read(parsed, services.Environment));
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(services.Interrupts.Token);
            int seconds = parsed.GetValue(timeout) ?? DefaultPatience;
            patience.CancelAfter(TimeSpan.FromSeconds(seconds));
            try
            {
                var status = await client.CheckHealthAsync(parsed.GetValue(service) ?? "", patience.Token);
                bool serving = status == HealthCheckResponse.Types.ServingStatus.Serving;
                services.Console.Out.WriteLine(serving ? "serving" : "not serving");
                return serving ? ExitCode.Ok : ExitCode.Failure;
            }
            catch (RpcException error) when (!services.Interrupts.Token.IsCancellationRequested)
            {
                string shown = ServerAddress.Show(client);
                throw new CliException(
                    ConnectionProblem.Explain(error.Status, shown) ?? $"{shown} is not healthy: {Reason(error, patience.IsCancellationRequested ? seconds : null)}", ExitCode.Failure, error);
            }
        });
        return command;
    }

    private static string Reason(RpcException error, int? lateAfter) => error.StatusCode switch
    {
        _ when lateAfter is { } seconds => $"no answer within {seconds} s",
        StatusCode.NotFound => "it does not know that service",
        StatusCode.Unimplemented => "it has no gRPC health service",
        _ => ErrorReport.Reason(error.Status),
    };
}
