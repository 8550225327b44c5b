using System.CommandLine;
using LlmServe.Cli.Chat;

namespace LlmServe.Cli.Options;

/// <summary><c>--server</c>: use a running server in place of one in this process.</summary>
internal static class ServerOption
{
    /// <summary>Adds it to <paramref name="command"/>.</summary>
    /// <param name="command">The command.</param>
    /// <param name="orOwn">Whether without it the server is asked that <c>serve</c> would be here; else the command does without a server.</param>
    public static Option<string?> AddTo(Command command, bool orOwn = false)
    {
        var option = OptionFactory.Text("--server", "URL", orOwn
            ? $"Server to ask (default: where serve listens with the same settings: {ServerAddress.Default}, or as LLMSERVE_PORT and LLMSERVE_TLS_CERT say)"
            : $"Use the llmserve server at this address, such as {ServerAddress.Default}");
        command.Options.Add(option);
        return option;
    }
}
