using LlmServe.Cli.App;
using LlmServe.Cli.Tests.Support;

namespace LlmServe.Cli.Tests;

public class CommandLineTests
{
    public static TheoryData<string> CommandNames => [.. Names];

    private static IEnumerable<string> Names => CommandLineApp.Build(new CliHarness().Services).Subcommands.Select(command => command.Name);

    [Fact]
    public void Build_Always_HasTheCommandsThatTheDocumentationNames()
    {
        string[] expected = ["chat", "run", "serve", "health", "plan", "tokenize", "render", "inspect", "logits", "bench"];

        Assert.Empty(expected.Except(Names));
    }

    [Theory]
    [MemberData(nameof(CommandNames))]
    public async Task Help_OfEveryCommand_ExplainsItAndSucceeds(string name)
    {
        var result = await new CliHarness().RunAsync(name, "--help");

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Matches($@"Usage:\n +\S+ {name} [\[<]", result.Out);
        Assert.Contains("Description:", result.Out);
        Assert.Contains("--help", result.Out);
        Assert.Empty(result.Error);
    }

    [Theory]
    [MemberData(nameof(CommandNames))]
    public void Options_OfEveryCommand_HaveDescriptions(string name)
    {
        var command = CommandLineApp.Build(new CliHarness().Services).Subcommands.Single(candidate => candidate.Name == name);

        Assert.All(command.Options, option => Assert.False(string.IsNullOrWhiteSpace(option.Description), option.Name));
        Assert.All(command.Arguments, argument => Assert.False(string.IsNullOrWhiteSpace(argument.Description), argument.Name));
    }

    [Theory]
    [InlineData("llmserve serv", "serve")]
    [InlineData("llmserve serve --isa ", "avx2 avx512 avx512vnni neon scalar")]
    [InlineData("llmserve serve --prefix-cache ", "off on")]
    [InlineData("llmserve run --te", "--temperature")]
    [InlineData("llmserve completion ", "bash fish zsh")]
    public async Task Suggest_LineSoFar_NamesWhatMayFollow(string line, string expected)
    {
        var result = await new CliHarness().RunAsync($"[suggest:{line.Length}]", line);

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Equal(expected.Split(' '), result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(word => word[0] != '-' || line.Contains("--te", StringComparison.Ordinal)).Except(["/?", "/h"]));
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _llmserve llmserve\n")]
    [InlineData("zsh", "compdef _llmserve llmserve\n")]
    [InlineData("fish", "2>/dev/null)'\n")]
    public async Task Completion_OfEveryShell_IsAScript(string shell, string end)
    {
        var result = await new CliHarness().RunAsync("completion", shell);

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.EndsWith(end, result.Out);
        Assert.Contains("[suggest:", result.Out);
    }

    [Fact]
    public async Task Man_Always_HasEveryCommandAndOption()
    {
        var result = await new CliHarness().RunAsync("man");

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.StartsWith(".TH LLMSERVE 1 ", result.Out);
        Assert.All(CommandLineApp.Build(new CliHarness().Services).Subcommands, command =>
        {
            Assert.Contains($"\n.SS llmserve {command.Name}", result.Out);
            Assert.All(command.Options, option => Assert.Contains(option.Name.Replace("-", "\\-", StringComparison.Ordinal), result.Out));
        });

        // Text that begins with a dot or an apostrophe, or has a bare backslash, would mean something to troff.
        Assert.All(result.Out.Split('\n').Where(line => line.StartsWith('.') || line.StartsWith('\'')), line => Assert.Matches(@"^\.(TH|SH|SS|TP|B|I|BI) ?", line));
    }

    [Fact]
    public async Task Help_OfTheProgram_ListsEveryCommand()
    {
        var result = await new CliHarness().RunAsync("--help");

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.All(Names, name => Assert.Contains($"\n  {name}", result.Out));
    }

    [Fact]
    public async Task Run_WithoutArguments_ShowsHelpAsAUsageError()
    {
        var result = await new CliHarness().RunAsync();

        Assert.Equal(ExitCode.Usage, result.Code);
        Assert.Contains("Usage:", result.Out);
    }

    [Theory]
    [InlineData("'nonsense'", "nonsense")]
    [InlineData("--nonsense", "chat", "--nonsense")]
    [InlineData("-x", "chat", "-x")]
    [InlineData("'extra'; a PROMPT of several words needs quotes", "chat", "hello", "extra")]
    [InlineData("there is no command 'serv'; did you mean serve?", "serv")]
    [InlineData("unknown option '--prot'; did you mean --port?", "serve", "--prot", "9000")]
    [InlineData("unknown option '--prot'; did you mean --port?", "serve", "--prot=9000", "--lanes", "0")]
    [InlineData("unknown option '--sever'; did you mean --server?", "chat", "--sever", "http://127.0.0.1:1")]
    [InlineData("unknown option '--temprature'; did you mean --temperature?", "run", "x", "--temprature", "0.5")]
    [InlineData("unknown option '--metrics'; did you mean --metrics-host?", "serve", "--metrics", "1")]
    [InlineData("unknown option '--verbos'; did you mean --verbose?", "inspect", "--verbos")]
    [InlineData("unknown option '--nonsense' (", "health", "--nonsense", "1")]
    [InlineData("unexpected argument '5'; this command takes options only", "health", "5")]
    [InlineData("Must be one of: 'bash' 'zsh' 'fish'", "completion", "tcsh")]
    [InlineData("--json-schema, --gbnf, --regex, --lark, --choice exclude each other", "run", "x", "--regex", "a", "--gbnf", "b")]
    [InlineData("--timeout: found '0'", "health", "--timeout", "0")]
    [InlineData("PROMPT", "run")]
    [InlineData("--ids", "logits", "--output", "x")]
    [InlineData("--json", "render")]
    [InlineData("--lanes: found '0', allowed is a whole number from 1 to 1024", "chat", "--lanes", "0")]
    [InlineData("--lanes: found 'two'", "bench", "--lanes", "two")]
    [InlineData("--activations: found 'int4', allowed is one of int8, f32", "run", "x", "--activations", "int4")]
    [InlineData("--kv: found 'q8'", "serve", "--kv", "q8")]
    [InlineData("--isa: found 'sse', allowed is one of scalar, avx2, avx512", "logits", "--isa", "sse", "--ids", "a", "--output", "b")]
    [InlineData("--context: found '-1'", "chat", "--context", "-1")]
    [InlineData("--speculate: found 'on', allowed is auto, off or a whole number from 1 to 64", "run", "x", "--speculate", "on")]
    [InlineData("--speculate: found '65'", "serve", "--speculate", "65")]
    [InlineData("--draft cannot be combined with --server", "chat", "--server", "http://127.0.0.1:1", "--draft", "x.gguf")]
    [InlineData("--temperature: found '-0.1'", "chat", "--temperature", "-0.1")]
    [InlineData("--temperature: found 'NaN'", "chat", "--temperature", "NaN")]
    [InlineData("--top-p: found '1.5', allowed is a number from 0 to 1", "chat", "--top-p", "1.5")]
    [InlineData("--top-k: found '99999999999'", "chat", "--top-k", "99999999999")]
    [InlineData("--seed: found '-1'", "chat", "--seed", "-1")]
    [InlineData("--port: found '65536'", "serve", "--port", "65536")]
    [InlineData("--kv-memory: found '1GB', allowed is a size from", "serve", "--kv-memory", "1GB")]
    [InlineData("--prefix-cache: found 'no', allowed is one of on, off", "serve", "--prefix-cache", "no")]
    [InlineData("--metrics-host and --metrics-path need --metrics-port", "serve", "--metrics-path", "/m")]
    [InlineData("exactly one of PROMPT and --prompt-tokens is needed", "plan")]
    [InlineData("exactly one of PROMPT and --prompt-tokens is needed", "plan", "x", "--prompt-tokens", "5")]
    [InlineData("--tls-cert and --tls-key belong together", "serve", "--tls-cert", "x")]
    [InlineData("--tls-pfx and --tls-cert exclude each other", "serve", "--tls-pfx", "x", "--tls-cert", "y", "--tls-key", "z")]
    [InlineData("--chunk: found '0'", "logits", "--chunk", "0", "--ids", "a", "--output", "b")]
    [InlineData("--model cannot be combined with --server", "chat", "--server", "http://127.0.0.1:1", "--model", "x.gguf")]
    [InlineData("--lanes cannot be combined with --server", "run", "x", "--server", "http://127.0.0.1:1", "--lanes", "1")]
    [InlineData("--system needs --chat", "run", "x", "--system", "y")]
    [InlineData("--template and --model exclude each other", "render", "--json", "-", "--template", "a", "--model", "b")]
    [InlineData("belong together", "inspect", "--tensor", "a")]
    [InlineData("belong together", "inspect", "--output", "a")]
    [InlineData("TEXT and --json exclude each other", "tokenize", "a", "--json", "-")]
    public async Task Run_WrongUsage_IsOneLineThatNamesTheProblem(string named, params string[] args)
    {
        var result = await new CliHarness().RunAsync(args);

        Assert.Equal(ExitCode.Usage, result.Code);
        Assert.Empty(result.Out);
        Assert.StartsWith("llmserve: error: ", result.Error);
        Assert.Contains(named, result.Error);
        Assert.Contains("--help'", result.Error);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Run_PromptAfterTwoDashes_MayBeginWithADash()
    {
        var result = await new CliHarness().RunAsync("run", "--server", "http://127.0.0.1:1", "--", "-5 + 3");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("no llmserve server answers", result.Error);
    }

    [Fact]
    public async Task Run_PromptWithAtSign_IsNoFileOfArguments()
    {
        var result = await new CliHarness().RunAsync("run", "@nobody", "--server", "http://127.0.0.1:1");

        Assert.Contains("no llmserve server answers", result.Error);
    }
}
