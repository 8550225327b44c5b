using Grpc.Core;
using LlmServe.Cli.App;
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
    /// <exception cref="CliException">The text is no address.</exception>
    public static LlmServeClient Open(string address)
    {
        string full = address.Contains("://", StringComparison.Ordinal) ? address : $"http://{address}";
        try
        {
            return new LlmServeClient(full);
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
        RpcException { StatusCode: StatusCode.Unavailable or StatusCode.Internal } rpc => new CliException(
            $"no llmserve server answers at {Show(client)}: {ErrorReport.Reason(rpc.Status)}; start one with 'llmserve serve', or leave --server out",
            ExitCode.Failure, error),
        _ => error,
    };
}
