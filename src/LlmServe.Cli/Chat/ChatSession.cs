using LlmServe.Cli.App;
using LlmServe.Cli.Models;
using LlmServe.Cli.Options;
using LlmServe.Client;
using LlmServe.Server;

namespace LlmServe.Cli.Chat;

/// <summary>A connection to a server, and the server itself where it runs in this process. Both ways go through the same gRPC API.</summary>
internal sealed class ChatSession : IAsyncDisposable
{
    private readonly LocalServer? _server;

    private ChatSession(IChatConnection connection, LocalServer? server)
    {
        Connection = connection;
        _server = server;
    }

    /// <summary>Who answers.</summary>
    public IChatConnection Connection { get; }

    /// <summary>Connects to <paramref name="server"/>, or starts one on loopback when it is null.</summary>
    /// <param name="services">Console, model loader, interrupts.</param>
    /// <param name="server">The value of <c>--server</c>, or null.</param>
    /// <param name="model">What to load without a server.</param>
    /// <param name="sampling">How answers are sampled.</param>
    /// <param name="connection">API key and trust for <paramref name="server"/>.</param>
    /// <exception cref="CliException">The server does not answer, or the model cannot be loaded.</exception>
    public static async Task<ChatSession> OpenAsync(
        CliServices services, string? server, ModelSettings model, SamplingSettings sampling, LlmServeClientOptions? connection = null)
    {
        var cancellation = services.Interrupts.Token;
        if (server is not null)
        {
            return new ChatSession(await GrpcChatConnection.ConnectAsync(server, sampling, cancellation, connection), null);
        }

        // One person: what they leave behind when they leave needs no grace.
        var options = new ServerOptions { Host = "127.0.0.1", Port = 0, GracePeriod = TimeSpan.Zero, Reflection = false };
        var local = await LocalServer.StartAsync(services, model, options, null, cancellation);
        try
        {
            return new ChatSession(await GrpcChatConnection.ConnectAsync(local.Address.ToString(), sampling, cancellation), local);
        }
        catch
        {
            await local.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
