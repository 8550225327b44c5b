using LlmServe.Cli.App;
using LlmServe.Cli.Terminal;
using LlmServe.Hosting;

namespace LlmServe.Cli.Tests.Support;

/// <summary>What a command wrote and how it ended.</summary>
internal sealed record CliResult(int Code, string Out, string Error);

/// <summary>Runs the command line inside the test, with streams that a test can read.</summary>
internal sealed class CliHarness
{
    private readonly FlushedWriter _out = new() { NewLine = "\n" };
    private readonly StringWriter _error = new() { NewLine = "\n" };

    public CliHarness(
        string input = "", bool terminal = false, bool escapes = true, ModelLoader? models = null,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        Console = new CliConsole(_out, _error, new StringReader(input))
        {
            OutIsTerminal = terminal,
            ErrorIsTerminal = terminal,
            InIsTerminal = terminal,
            AllowEscapes = escapes,
        };
        Services = new CliServices(Console, Interrupts, models ?? new ModelLoader()) { Environment = environment ?? new Dictionary<string, string>() };
    }

    public CliConsole Console { get; }

    public Interrupts Interrupts { get; } = new();

    public CliServices Services { get; }

    public string Out => _out.ToString();

    public string Error => _error.ToString();

    /// <summary>Completes when something has been written and flushed to standard output.</summary>
    public Task FirstOutput => _out.Flushed.Task;

    public async Task<CliResult> RunAsync(params string[] args)
    {
        int code = await new CommandLineApp(Services).RunAsync(args);
        return new CliResult(code, Out, Error);
    }

    private sealed class FlushedWriter : StringWriter
    {
        public TaskCompletionSource Flushed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override void Flush() => Flushed.TrySetResult();
    }
}
