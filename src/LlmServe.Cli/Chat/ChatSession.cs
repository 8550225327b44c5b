using LlmServe.Cli.App;
using LlmServe.Cli.Options;
using LlmServe.Client;
using LlmServe.Hosting;

namespace LlmServe.Cli.Chat;

/// <summary>Who answers: a server, or a model in this process.</summary>
internal sealed class ChatSession : IAsyncDisposable
{
    private ChatSession(IChatConnection connection) => Connection = connection;

    /// <summary>Who answers.</summary>
    public IChatConnection Connection { get; }

    /// <summary>Connects to <paramref name="server"/>, or loads a model when it is null.</summary>
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
        return new ChatSession(server is not null
            ? await GrpcChatConnection.ConnectAsync(server, sampling, cancellation, connection)
            : await EngineChatConnection.StartAsync(services, model, sampling, cancellation));
    }

    /// <summary>Who answers, if there can be a chat at all.</summary>
    /// <exception cref="CliException">The model has no chat template that can be used.</exception>
    public IChatConnection RequireChat() => Connection.WhyNoChat is { } reason ? throw new CliException(reason) : Connection;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Connection.DisposeAsync();
}
