using LlmServe.Cli.Chat;
using LlmServe.Client;

namespace LlmServe.Cli.LoadTest;

/// <summary>The server under test, and how clients get in.</summary>
/// <param name="Address">Such as <c>http://127.0.0.1:8080</c>.</param>
/// <param name="Connection">API key and trust; null: none.</param>
internal sealed record LoadTarget(string Address, LlmServeClientOptions? Connection = null)
{
    /// <summary>A client with a connection of its own.</summary>
    public LlmServeClient Connect() => ServerAddress.Open(Address, Connection);
}
