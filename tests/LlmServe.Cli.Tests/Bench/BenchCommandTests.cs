using System.Text.Json;
using LlmServe.Cli.App;
using LlmServe.Cli.Tests.Support;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;
using LlmServe.Models;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests.Bench;

public sealed class BenchCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;

    public BenchCommandTests()
    {
        _model = _folder.File("tiny.gguf");
        var format = BlockFormat.Get(GgmlType.Q8_0);
        RandomModel.Save(new RandomModelPlan("random tiny", ModelDimensions.Named["tiny"], format, format, 1), _model);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Bench_Json_HasEveryFigure()
    {
        var result = await new CliHarness().RunAsync(
            "bench", "--json", "--model", _model, "--lanes", "2", "--prompt", "8,40", "--context", "0,16", "--generate", "4", "--runs", "2", "--streams", "3");

        Assert.Equal(ExitCode.Ok, result.Code);
        using var json = JsonDocument.Parse(result.Out);
        var model = Assert.Single(json.RootElement.GetProperty("results").EnumerateArray());
        Assert.Equal("tiny", model.GetProperty("model").GetString());
        Assert.Equal("Q8_0", model.GetProperty("format").GetString());
        Assert.Equal(2, model.GetProperty("lanes").GetInt32());
        Assert.Equal([8, 40], model.GetProperty("prefill").EnumerateArray().Select(point => point.GetProperty("tokens").GetInt32()));
        foreach (string name in (string[])["tokens_per_second", "weight_bytes_per_second", "bandwidth_share", "tick_p50_seconds", "tick_p99_seconds", "predicted_over_measured"])
        {
            Assert.All(model.GetProperty("decode").EnumerateArray(), point => Assert.True(point.GetProperty(name).GetDouble() > 0, name));
        }

        Assert.Equal(2, model.GetProperty("read_bandwidth_runs").GetArrayLength());
        Assert.Equal(3, model.GetProperty("streams").GetProperty("streams").GetInt32());
        Assert.Equal(new FileInfo(_model).Length, model.GetProperty("file_bytes").GetInt64());
        Assert.False(model.TryGetProperty("perplexity", out _));
    }

    [Fact]
    public async Task Bench_Formats_AreComparedSideBySide()
    {
        string text = _folder.Write("text.txt", string.Concat(Enumerable.Repeat("the thing in the hat ", 20)));

        var result = await new CliHarness().RunAsync(
            "bench", "--model", _model, "--lanes", "1", "--formats", "f32,Q4_0", "--text", text, "--prompt", "8", "--context", "0", "--generate", "2", "--runs", "1");

        Assert.Equal(ExitCode.Ok, result.Code);
        string sentence = Assert.Single(result.Out.Split('\n'), line => line.StartsWith("tiny, measured: Q4_0", StringComparison.Ordinal));

        // 32 bits against 4.5; the norms stay as they are.
        Assert.Contains("7.07× less memory than F32", sentence, StringComparison.Ordinal);
        Assert.Contains("perplexity", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", result.Out, StringComparison.Ordinal);
        Assert.Contains(" F32 | ", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_SeveralModelsAndModes_StandSideBySideOnATerminal()
    {
        var result = await new CliHarness().RunAsync(
            "bench", "--model", _model, "--model", _model, "--activations", "int8,f32", "--lanes", "1", "--prompt", "4", "--context", "0", "--generate", "2", "--runs", "1");

        Assert.Equal(ExitCode.Ok, result.Code);
        string[] tables = [.. result.Out.Split('\n').Where(line => line.StartsWith('|'))];
        Assert.Matches(@"^\| +\| +#1 \| +#2 \| +#3 \| +#4 \|$", tables[0]);
        Assert.All(tables, line => Assert.InRange(line.Length, 1, 80));
        Assert.Contains("\n#4: tiny, Q8_0, f32, ", result.Out, StringComparison.Ordinal);
        Assert.Matches(@"\nnoise: other programs used \d+% of the processors", result.Out);
    }

    [Fact]
    public async Task Bench_Interrupted_EndsWithoutALeftOverFile()
    {
        string folder = Path.GetTempPath();
        var before = Directory.EnumerateFiles(folder, "llmserve-bench-*").ToHashSet();
        var harness = new CliHarness();
        var bench = harness.RunAsync("bench", "--lanes", "1", "--formats", "Q8_0,Q4_0", "--runs", "1000");
        while (!harness.Error.Contains("re-encoding", StringComparison.Ordinal) && !bench.IsCompleted)
        {
            await Task.Delay(10);
        }

        harness.Interrupts.RaiseInterrupt();

        Assert.Equal(ExitCode.Interrupted, (await bench).Code);
        Assert.Empty(Directory.EnumerateFiles(folder, "llmserve-bench-*").Except(before));
    }

    [Theory]
    [InlineData("--prompt", "32,x", "--prompt: found '32,x'")]
    [InlineData("--context", "-1", "--context: found '-1'")]
    [InlineData("--formats", "Q4_0,Q8_1", "--formats: found 'Q4_0,Q8_1', allowed are formats among F32")]
    [InlineData("--activations", "int4", "allowed are int8, f32 or both")]
    [InlineData("--text", "no-such-file.txt", "no-such-file.txt cannot be read")]
    public async Task Bench_BadValues_AreNamed(string option, string value, string expected)
    {
        var result = await new CliHarness().RunAsync("bench", "--model", _model, option, value);

        Assert.NotEqual(ExitCode.Ok, result.Code);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_NothingFitsIntoTheContext_SaysHowMuchDoes()
    {
        var result = await new CliHarness().RunAsync("bench", "--model", _model, "--prompt", "2000", "--context", "3000");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("holds 1024 positions", result.Error, StringComparison.Ordinal);
    }
}
