using System.Text.Json;
using LlmServe.Cli.App;
using LlmServe.Cli.Tests.Support;
using LlmServe.Hosting;
using LlmServe.Testing;
using LlmServe.Testing.Fakes;

namespace LlmServe.Cli.Tests.LoadTest;

/// <summary>The whole command through a real server in this process, with a fake model below it.</summary>
[Collection(Alone.Name)]
public class LoadTestCommandTests
{
    private const int Vocabulary = 49152;
    private static readonly string[] Small = ["--prompt-tokens", "4-40", "--output-tokens", "2-20"];

    [Theory]
    [InlineData("closed")]
    [InlineData("burst")]
    [InlineData("poisson:2000")]
    public async Task LoadTest_EveryArrival_SendsAllRequestsAndFindsTheSameAnswersAlone(string arrival)
    {
        var result = await RunAsync(new FakeExecutorOptions(), ["--streams", "5", "--requests", "23", "--arrival", arrival, "--verify", "--json", .. Small]);
        using var report = Parse(result);

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Equal(23, Int(report, "requests", "done"));
        Assert.Equal((23, 0), (Int(report, "verified", "checked"), Int(report, "verified", "different")));
        Assert.Equal(23, Int(report, "first_token_seconds", "count"));
        Assert.Equal(Int(report, "output_tokens") - 23, Int(report, "inter_token_seconds", "count"));
        Assert.Equal(23, Int(report, "plan", "requests"));
        Assert.True(Int(report, "engine", "ticks") > 0);
    }

    [Fact]
    public async Task LoadTest_AnswersThatDependOnOthers_FailsAndNamesThem()
    {
        int calls = 0;
        var result = await RunAsync(
            new FakeExecutorOptions { Next = _ => Interlocked.Increment(ref calls) % 1000 }, ["--streams", "3", "--requests", "6", "--verify", .. Small]);

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("NOT OK: 6 answers differ from those given alone", result.Out);
        Assert.Matches("request 0: \\d+ tokens under load, \\d+ alone, the first difference at token 0", result.Out);
    }

    [Fact]
    public async Task LoadTest_CancelsAndDisconnects_AreCountedAndNoFailures()
    {
        var result = await RunAsync(
            new FakeExecutorOptions(), ["--streams", "6", "--requests", "60", "--cancel", "0.5", "--disconnect", "0.5", "--json", "--output-tokens", "50-100", "--prompt-tokens", "8"]);
        using var report = Parse(result);

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Equal(0, Int(report, "requests", "failed"));
        Assert.Equal(60, Int(report, "requests", "cancelled") + Int(report, "requests", "disconnected") + Int(report, "requests", "done"));
        Assert.InRange(Int(report, "requests", "cancelled"), 10, 50);
        Assert.InRange(Int(report, "requests", "disconnected"), 10, 50);
    }

    [Fact]
    public async Task LoadTest_OpenArrival_CountsTheWaitForAFreeClient()
    {
        // Every tick takes 2 ms at least, so that one client needs 8 ms for each of ten requests that are all due at once.
        var slow = new FakeExecutorOptions { OnTick = _ => Thread.Sleep(2) };
        var result = await RunAsync(
            slow, ["--streams", "1", "--requests", "10", "--arrival", "poisson:100000", "--prompt-tokens", "4", "--output-tokens", "4", "--json"]);
        using var report = Parse(result);

        Assert.True(Double(report, "first_token_seconds", "max") > 9 * 4 * 0.002, result.Out);
    }

    [Fact]
    public async Task LoadTest_LongPromptHealthAndBaseline_AreReported()
    {
        string[] arguments = ["--streams", "4", "--requests", "8", "--long-prompt", "300", "--health", "--baseline", .. Small];
        var result = await RunAsync(new FakeExecutorOptions(), [.. arguments, "--json"]);
        var text = await RunAsync(new FakeExecutorOptions(), arguments);
        using var report = Parse(result);

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Equal(300, Int(report, "long_prompt", "tokens"));
        Assert.True(Double(report, "long_prompt", "share_of_alone") > 0);
        Assert.True(Int(report, "long_prompt", "others_inter_token_seconds", "count") > 0);
        Assert.True(Int(report, "health_seconds", "count") > 0 && Double(report, "over_one_stream") > 0);
        Assert.Contains("longest gap of others, ms", text.Out);
        Assert.Contains("| health", text.Out);
        Assert.Empty(text.Error);
    }

    [Fact]
    public async Task LoadTest_Soak_LeavesNothingBehind()
    {
        // Few blocks, so that sequences are preempted; answers long enough that slow readers stop their sequences.
        var result = await RunAsync(
            new FakeExecutorOptions { KvBlocks = 40 },
            ["--soak", "5m", "--requests", "400", "--streams", "24", "--prompt-tokens", "4-60", "--output-tokens", "2-120", "--shared-prefix", "40", "--json"]);
        using var report = Parse(result);

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Equal((0, 0), (Int(report, "soak", "lost_kv_blocks"), Int(report, "soak", "left_sequences")));
        Assert.True(Int(report, "requests", "done") > 200 && Int(report, "requests", "cancelled") > 20 && Int(report, "requests", "disconnected") > 4, result.Out);
        Assert.Equal(0, Int(report, "verified", "different"));
        Assert.True(Int(report, "cached_prompt_tokens") > 0);
        var last = report.RootElement.GetProperty("soak").GetProperty("samples").EnumerateArray().Last();
        Assert.Equal(40, last.GetProperty("free_kv_blocks").GetInt32());
    }

    [Fact]
    public async Task LoadTest_SoakOfNoTime_HasItsSamples()
    {
        var result = await RunAsync(new FakeExecutorOptions(), ["--soak", "0.001s", "--streams", "1", "--json", .. Small]);
        using var report = Parse(result);

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.True(report.RootElement.GetProperty("soak").GetProperty("samples").GetArrayLength() > 0);
    }

    [Fact]
    public async Task LoadTest_PlanBeyondTheContext_IsAUsageError()
    {
        var result = await RunAsync(new FakeExecutorOptions(), ["--prompt-tokens", "400", "--output-tokens", "113"]);

        Assert.Equal(ExitCode.Usage, result.Code);
        Assert.Contains("the longest prompt and answer take 513 tokens, but", result.Error);
    }

    [Theory]
    [InlineData("--prompt-tokens: found '9-3', allowed is a length", "--prompt-tokens", "9-3")]
    [InlineData("--arrival: found 'open', allowed is closed", "--arrival", "open")]
    [InlineData("--soak: found '30', allowed is a time such as 20s", "--soak", "30")]
    [InlineData("--duration: found '-1s'", "--duration", "-1s")]
    [InlineData("are 1.5 together", "--cancel", "0.75", "--slow", "0.75")]
    [InlineData("are 1.05 together, with those that --soak sets", "--soak", "1m", "--cancel", "0.9")]
    [InlineData("--cancel: found '2', allowed is a number from 0 to 1", "--cancel", "2")]
    [InlineData("--slow: found 'NaN', allowed is a number from 0 to 1", "--slow", "NaN", "--disconnect", "0.5")]
    [InlineData("--api-key needs --server", "--api-key", "0123456789abcdef")]
    [InlineData("--soak cannot be combined with --server", "--soak", "1m", "--server", "http://127.0.0.1:1")]
    [InlineData("--soak cannot be combined with --duration", "--soak", "1m", "--duration", "1m")]
    [InlineData("--max-tick-ms cannot be combined with --server", "--max-tick-ms", "10", "--server", "http://127.0.0.1:1")]
    [InlineData("--lanes cannot be combined with --server", "--lanes", "1", "--server", "http://127.0.0.1:1")]
    public async Task LoadTest_WrongOption_SaysWhatIsAllowed(string message, params string[] arguments)
    {
        var result = await new CliHarness().RunAsync(["loadtest", .. arguments]);

        Assert.Equal(ExitCode.Usage, result.Code);
        Assert.Contains(message, result.Error);
    }

    [Fact]
    public async Task LoadTest_NobodyThere_IsAClearError()
    {
        var result = await new CliHarness().RunAsync("loadtest", "--server", "127.0.0.1:1");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("no llmserve server answers at http://127.0.0.1:1", result.Error);
    }

    private static Task<CliResult> RunAsync(FakeExecutorOptions options, string[] arguments)
    {
        // A new executor for each server: answers are verified on a fresh one.
        var finder = new ModelFinder(_ => null, [TestData.RepositoryRoot]);
        var models = new ModelLoader(finder, (_, _, _) => new FakeExecutor(options with { VocabularySize = Vocabulary }));
        return new CliHarness(models: models).RunAsync(["loadtest", .. arguments]);
    }

    private static JsonDocument Parse(CliResult result)
    {
        Assert.True(result.Out.StartsWith('{'), result.Error + result.Out);
        return JsonDocument.Parse(result.Out);
    }

    private static int Int(JsonDocument report, params string[] path) => (int)Double(report, path);

    private static double Double(JsonDocument report, params string[] path) =>
        path.Aggregate(report.RootElement, (element, name) => element.GetProperty(name)).GetDouble();
}
