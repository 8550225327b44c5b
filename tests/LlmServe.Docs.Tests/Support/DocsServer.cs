using LlmServe.Cli.App;
using LlmServe.Cli.Terminal;
using LlmServe.Hosting;

namespace LlmServe.Docs.Tests.Support;

/// <summary><c>llmserve serve</c> in this process with a model that loads in an instant, for code that calls a server.</summary>
public sealed class DocsServer : IAsyncLifetime
{
    private readonly Interrupts _interrupts = new();
    private readonly StartedWriter _out = new();
    private readonly StringWriter _error = new();
    private Task<int>? _run;

    /// <summary>Host and port.</summary>
    public string Authority => new Uri(_out.ToString().Split('\n')[0].Split(" at ")[1].Trim()).Authority;

    public async Task InitializeAsync()
    {
        var console = new CliConsole(_out, _error, TextReader.Null);
        var services = new CliServices(console, _interrupts, new ModelLoader()) { Environment = new Dictionary<string, string>() };
        _run = new CommandLineApp(services).RunAsync(["serve", "--port", "0", "--model", QuickModel.Path]);
        await Task.WhenAny(_out.Started.Task, _run);
        Assert.False(_run.IsCompleted, _error.ToString());
    }

    public async Task DisposeAsync()
    {
        _interrupts.RaiseTermination();
        Assert.Equal(0, await _run!);
        _interrupts.Dispose();
    }

    /// <summary>Code with this server's address in place of the one that pages name.</summary>
    internal string Replace(string code) => code
        .Replace("127.0.0.1:8080", Authority, StringComparison.Ordinal)
        .Replace("localhost:8080", Authority, StringComparison.Ordinal);

    private sealed class StartedWriter : StringWriter
    {
        public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override void Flush() => Started.TrySetResult();
    }
}
