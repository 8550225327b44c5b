using Grpc.Core;
using LlmServe.Cli.App;
using LlmServe.Cli.Options;
using LlmServe.Client;

namespace LlmServe.Cli.Chat;

/// <summary>Addresses of servers as people type them, and what it means when nobody answers.</summary>
internal static class ServerAddress
{
    /// <summary>The port of <c>llmserve serve</c>.</summary>
    public const int DefaultPort = 8080;

    /// <summary>The address that <c>llmserve serve</c> has by default.</summary>
    public static string Default => $"http://127.0.0.1:{DefaultPort}";

    /// <summary>A client for an address; <c>host:port</c> alone means plain HTTP/2.</summary>
    /// <param name="address">The address.</param>
    /// <param name="connection">API key and trust; null: none, and this machine's.</param>
    /// <exception cref="CliException">The text is no address, or the key cannot be one.</exception>
    public static LlmServeClient Open(string address, LlmServeClientOptions? connection = null)
    {
        string full = address.Contains("://", StringComparison.Ordinal) ? address : $"http://{address}";
        try
        {
            return new LlmServeClient(full, connection);
        }
        catch (ArgumentException error) when (error.ParamName == "options")
        {
            throw new CliException($"--api-key, or {ServerConnection.KeyVariable}: {error.Message.Split(" (Parameter")[0]}", ExitCode.Usage, error);
        }
        catch (ArgumentException error)
        {
            throw new CliException($"'{address}' is no server address; write it like {Default}", ExitCode.Usage, error);
        }
    }

    /// <summary>A client's address as people write it.</summary>
    public static string Show(LlmServeClient client) => client.Address.ToString().TrimEnd('/');

    /// <summary>Says which server failed, for failures of the first call.</summary>
    public static Exception Explain(Exception error, LlmServeClient client, CancellationToken cancellation) => error switch
    {
        _ when cancellation.IsCancellationRequested => new OperationCanceledException(cancellation),
        RpcException rpc when ConnectionProblem.Explain(rpc.Status, Show(client)) is { } problem => new CliException(problem, ExitCode.Failure, error),
        RpcException { StatusCode: StatusCode.Unavailable or StatusCode.Internal } rpc => new CliException(
            $"no llmserve server answers at {Show(client)}: {ErrorReport.Reason(rpc.Status)}; start one with 'llmserve serve', or check the address",
            ExitCode.Failure, error),
        RpcException { StatusCode: StatusCode.Unauthenticated } rpc => new CliException(
            $"{Show(client)} does not let us in: {rpc.Status.Detail}; set LLMSERVE_API_KEY or give --api-key KEY", ExitCode.Failure, error),
        _ => error,
    };
}
