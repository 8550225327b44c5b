using LlmServe.Cli.App;
using LlmServe.Cli.Tests.Support;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;
using LlmServe.Hosting;
using LlmServe.Models;
using LlmServe.Testing;
using LlmServe.Testing.Fakes;

namespace LlmServe.Cli.Tests;

/// <summary>Commands that load a model, with a fake one that answers from a script: through a real server in this process, or without one.</summary>
public class LocalServerTests
{
    private const int Vocabulary = 49152;
    private const int EndOfTurn = 2;

    // "The capital of France is Paris." in the embedded model's tokens.
    private static readonly int[] Answer = [504, 3575, 282, 4649, 314, 7042, 30, EndOfTurn];

    [Fact]
    public async Task Chat_OnePrompt_PrintsTheAnswer()
    {
        var (harness, executor) = Create();

        var result = await harness.RunAsync("chat", "What is the capital of France?");

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Equal("The capital of France is Paris.\n", result.Out);
        Assert.Empty(result.Error);
        Assert.True(executor.IsDisposed);
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("off")]
    [InlineData("7")]
    public async Task Run_GuessingAndDrafting_GivesTheSameAnswer(string speculate)
    {
        var (harness, executor) = Create(); // the model drafts for itself

        var result = await harness.RunAsync("run", "--chat", "x", "--speculate", speculate, "--draft", TestData.EmbeddedModel);

        Assert.Equal("The capital of France is Paris.\n", result.Out);
        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.True(executor.IsDisposed);
    }

    [Theory]
    [InlineData("llama.gguf", "the draft model has another vocabulary: it has ")]
    [InlineData("absent.gguf", "--draft: no file at ")]
    public async Task Run_WrongDraft_IsRefused(string file, string message)
    {
        var (harness, executor) = Create();

        var result = await harness.RunAsync("run", "x", "--draft", TestData.Local("golden", "tiny", file));

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains(message, result.Error);
        Assert.True(executor.IsDisposed);
    }

    [Fact]
    public async Task Chat_Terminal_ShowsTheSpeedAfterTheAnswer()
    {
        var (harness, _) = Create(terminal: true);

        var result = await harness.RunAsync("chat", "What is the capital of France?");

        Assert.Equal("The capital of France is Paris.\n", result.Out);
        Assert.Matches(@"\n?8 tokens, \d+\.\d tokens/s · prompt \d+ tokens in \d+\.\d\d s\n$", result.Error);
    }

    [Fact]
    public async Task Chat_PipedLines_AreTurns()
    {
        var (harness, _) = Create("first\nsecond\n");

        var result = await harness.RunAsync("chat");

        Assert.Equal("The capital of France is Paris.\nThe capital of France is Paris.\n", result.Out);
    }

    [Fact]
    public async Task Chat_StopAndMaxTokens_EndTheAnswer()
    {
        var (stopped, _) = Create();
        var (cut, _) = Create();

        Assert.Equal("The capital of \n", (await stopped.RunAsync("chat", "x", "--stop", "France")).Out);
        Assert.Equal("The capital\n", (await cut.RunAsync("chat", "x", "--max-tokens", "2")).Out);
    }

    [Fact]
    public async Task Run_Chat_AppliesTheTemplate()
    {
        var (harness, _) = Create("What is the capital of France?");

        Assert.Equal("The capital of France is Paris.\n", (await harness.RunAsync("run", "-", "--chat", "--system", "Be brief.")).Out);
    }

    [Theory]
    [InlineData("--choice", "Rome\nMilan\n", "^(Rome|Milan)\n$")]
    [InlineData("--regex", "Rome( is old)?\n", "^Rome( is old)?\n$")]
    [InlineData("--json-schema", """{ "enum": ["Rome", 7] }""", "^(\"Rome\"|7)\n$")]
    [InlineData("--gbnf", "root ::= [0-9] [0-9]", "^[0-9][0-9]\n$")]
    public async Task Chat_Rule_IsWhatTheAnswerFollows(string option, string rule, string expected)
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("rule", rule);
        var (chat, _) = Create();
        var (run, _) = Create();

        Assert.Matches(expected, (await chat.RunAsync("chat", "What is the capital of Italy?", option, file)).Out);
        Assert.Matches(expected, (await run.RunAsync("run", "The capital of Italy is", option, file)).Out);
        await using var server = await ServingCommand.StartAsync(["--port", "0"]);
        Assert.Matches(expected, (await new CliHarness().RunAsync("chat", "x", option, file, "--server", server.Address)).Out);
    }

    [Fact]
    public async Task Chat_RuleThatIsNone_NamesItsFile()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("rule", """{ "type": "objekt" }""");
        var (harness, executor) = Create();

        var result = await harness.RunAsync("chat", "x", "--json-schema", file);

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.StartsWith($"llmserve: error: --json-schema: {file}: #/type: 'objekt' is no type", result.Error);
        Assert.True(executor.IsDisposed);
    }

    [Fact]
    public async Task Run_EmptyPrompt_IsAUsageError()
    {
        var (harness, _) = Create("");

        var result = await harness.RunAsync("run", "-");

        Assert.Equal(ExitCode.Usage, result.Code);
        Assert.Contains("the prompt is empty", result.Error);
    }

    [Fact]
    public async Task Serve_Termination_StopsAndFreesTheModel()
    {
        var (harness, executor) = Create();
        var serving = harness.RunAsync("serve", "--port", "0");
        await await Task.WhenAny(harness.FirstOutput, serving);

        harness.Interrupts.RaiseTermination();
        var result = await serving;

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Matches(@"^serving .* on fake at http://127\.0\.0\.1:\d+\n$", result.Out);
        Assert.True(executor.IsDisposed);
    }

    [Fact]
    public async Task Serve_StoppedWhileIdle_PromisesNobodyTime()
    {
        var (harness, _) = Create(terminal: true);
        var serving = harness.RunAsync("serve", "--port", "0");
        await await Task.WhenAny(harness.FirstOutput, serving);

        harness.Interrupts.RaiseInterrupt();

        Assert.EndsWith("stopping\n", (await serving).Error);
    }

    [Theory]
    [InlineData("chat")]
    [InlineData("chat", "Hello")]
    [InlineData("run", "--chat", "Hello")]
    public async Task Chat_ModelWithoutTemplate_SaysSoAtTheStart(params string[] command)
    {
        var (harness, executor) = Create("Hello\n", vocabulary: ModelDimensions.Named["tiny"].Vocabulary);

        using var folder = new TemporaryFolder();

        var result = await harness.RunAsync([.. command, "--model", ModelWithoutTemplate(folder)]);

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Equal("llmserve: error: the model 'plain' has no chat template, so there is no chat; continue a text with 'llmserve run', or use another model\n", result.Error);
        Assert.True(executor.IsDisposed);
    }

    [Fact]
    public async Task Chat_ServerWhoseModelHasNoTemplate_SaysSoAtTheStart()
    {
        using var folder = new TemporaryFolder();
        var (serving, _) = Create(vocabulary: ModelDimensions.Named["tiny"].Vocabulary);
        var served = serving.RunAsync("serve", "--port", "0", "--model", ModelWithoutTemplate(folder));
        await await Task.WhenAny(serving.FirstOutput, served);
        string address = serving.Out.Split('\n')[0].Split(" at ")[1];

        var result = await new CliHarness("Hello\n").RunAsync("chat", "--server", address);

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("has no chat template, so there is no chat; continue a text with 'llmserve run --server'", result.Error);
        serving.Interrupts.RaiseTermination();
        Assert.Equal(ExitCode.Ok, (await served).Code);
    }

    [Fact]
    public async Task Serve_HostThatIsNone_IsAClearError()
    {
        var (harness, executor) = Create();

        var result = await harness.RunAsync("serve", "--host", "nowhere", "--port", "0");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.StartsWith("llmserve: error: cannot listen on nowhere:0: ", result.Error);
        Assert.True(executor.IsDisposed);
    }

    [Fact]
    public async Task Serve_WithKeysAndMetrics_IsUsedByTheOtherCommands()
    {
        const string Key = "0123456789abcdef0123456789abcdef";
        using var folder = new TemporaryFolder();
        string config = folder.Write("settings.json", $$"""{"llmserve": {"port": 0, "metrics_port": 0, "api_keys": [{"name": "a", "key": "{{Key}}"}] } }""");
        var (harness, _) = Create();
        var serving = harness.RunAsync("serve", "--config", config);
        await await Task.WhenAny(harness.FirstOutput, serving);
        Assert.Matches(@"^serving .+ at http://127\.0\.0\.1:\d+\nmetrics at http://127\.0\.0\.1:\d+/metrics\n$", harness.Out);
        string address = harness.Out.Split('\n')[0].Split(" at ")[1];

        Assert.Equal("serving\n", (await new CliHarness().RunAsync("health", "--address", address)).Out);
        var refused = await new CliHarness().RunAsync("chat", "Hi", "--server", address);
        Assert.Equal(ExitCode.Failure, refused.Code);
        Assert.Contains("does not let us in: this server asks for an API key", refused.Error);
        refused = await new CliHarness().RunAsync("chat", "Hi", "--server", address, "--api-key", "a b");
        Assert.Equal(ExitCode.Usage, refused.Code);
        Assert.DoesNotContain("a b", refused.Error);
        Assert.Equal("The capital of France is Paris.\n", (await new CliHarness().RunAsync("chat", "Hi", "--server", address, "--api-key", Key)).Out);
        Assert.Matches(
            @"^first token in \d+\.\d{3} s \(100 prompt tokens, .+\)\nthen \d+\.\d tokens/s; all of it in .+\n0 requests run now, 0 wait\n$",
            (await new CliHarness().RunAsync("plan", "--prompt-tokens", "100", "--max-tokens", "10", "--server", address, "--api-key", Key)).Out);
        var tooLong = await new CliHarness().RunAsync("plan", "--prompt-tokens", "100000", "--server", address, "--api-key", Key);
        Assert.Equal(ExitCode.Failure, tooLong.Code);
        Assert.StartsWith("refused: ", tooLong.Out);

        harness.Interrupts.RaiseTermination();
        Assert.Equal(ExitCode.Ok, (await serving).Code);
    }

    private static string ModelWithoutTemplate(TemporaryFolder folder)
    {
        string path = folder.File("plain.gguf");
        var format = BlockFormat.Get(GgmlType.Q8_0);
        RandomModel.Save(new RandomModelPlan("plain", ModelDimensions.Named["tiny"], format, format, 1), path);
        return path;
    }

    private static (CliHarness Harness, FakeExecutor Executor) Create(
        string input = "", bool terminal = false, int vocabulary = Vocabulary)
    {
        // The template ends every prompt with "<|im_start|>assistant\n"; the model answers from there.
        int[] marker = [1, 520, 9531, 198];
        var model = new FakeExecutorOptions
        {
            VocabularySize = vocabulary,
            Next = history =>
            {
                int start = history.LastIndexOf(marker) + marker.Length;
                int said = history.Length - start;
                return start >= marker.Length && said < Answer.Length ? Answer[said] : -1;
            },
        };
        var executor = new FakeExecutor(model);
        var finder = new ModelFinder(_ => null, [TestData.RepositoryRoot]);
        return (new CliHarness(input, terminal, escapes: false, new ModelLoader(finder, (_, cpu, _) => cpu.LanesOf is null ? executor : new FakeExecutor(model))), executor);
    }
}
