using System.CommandLine;

namespace LlmServe.Cli.Options;

/// <summary><c>--server</c>: use a running server in place of one in this process.</summary>
internal static class ServerOption
{
    /// <summary>Adds it to <paramref name="command"/>.</summary>
    public static Option<string?> AddTo(Command command)
    {
        var option = OptionFactory.Text("--server", "URL", "Use the llmserve server at this address, such as http://127.0.0.1:8080");
        command.Options.Add(option);
        return option;
    }
}
