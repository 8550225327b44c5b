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
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var address = OptionFactory.Text("--address", "URL", $"Server to ask (default {ServerAddress.Default})");
        var service = OptionFactory.Text("--service", "NAME", "gRPC service to ask about (default: the server as a whole)");
        var command = new Command("health", "Ask a server whether it serves: exit code 0 if it does, 1 if not") { address, service };
        var connection = ServerConnection.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            using var client = ServerAddress.Open(parsed.GetValue(address) ?? ServerAddress.Default, connection.Read(parsed, services.Environment));
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(services.Interrupts.Token);
            patience.CancelAfter(Patience);
            try
            {
                var status = await client.CheckHealthAsync(parsed.GetValue(service) ?? "", patience.Token);
                bool serving = status == HealthCheckResponse.Types.ServingStatus.Serving;
                services.Console.Out.WriteLine(serving ? "serving" : "not serving");
                return serving ? ExitCode.Ok : ExitCode.Failure;
            }
            catch (RpcException error) when (!services.Interrupts.Token.IsCancellationRequested)
            {
                throw new CliException($"{ServerAddress.Show(client)} is not healthy: {Reason(error, patience.IsCancellationRequested)}", ExitCode.Failure, error);
            }
        });
        return command;
    }

    private static string Reason(RpcException error, bool late) => error.StatusCode switch
    {
        _ when late => $"no answer within {Patience.TotalSeconds:0} s",
        StatusCode.NotFound => "it does not know that service",
        StatusCode.Unimplemented => "it has no gRPC health service",
        _ => ErrorReport.Reason(error.Status),
    };
}
