using LlmServe.EndToEnd.Tests.Support;

namespace LlmServe.EndToEnd.Tests;

/// <summary>Pipes, closed streams and folders that are gone: what a shell can do to a program.</summary>
public class StandardStreamTests
{
    private const string WindowsSkip = "SKIPPED: a POSIX shell is needed";

    [SkippableTheory]
    [InlineData("tokenize", 0)]
    [InlineData("tokenize --json -", 0)]
    [InlineData("run -", 2)]
    [InlineData("chat", 0)]
    public async Task Input_Closed_IsTheEndOfInput(string command, int code)
    {
        Skip.If(OperatingSystem.IsWindows(), WindowsSkip);
        using var process = LlmServeProcess.StartFromShell($"$llmserve {command} <&-");

        var result = await process.FinishAsync();

        Assert.Equal((code, ""), (result.Code, result.Out));
    }

    [SkippableFact]
    public async Task Output_Closed_IsNoCrash()
    {
        Skip.If(OperatingSystem.IsWindows(), WindowsSkip);
        using var process = LlmServeProcess.StartFromShell("$llmserve tokenize Hello >&-");

        var result = await process.FinishAsync();

        Assert.Equal(new ProcessResult(0, "", ""), result);
    }

    [SkippableFact]
    public async Task Folder_Deleted_MattersOnlyToRelativePaths()
    {
        Skip.If(OperatingSystem.IsWindows(), WindowsSkip);
        const string Leave = "d=$(mktemp -d) && cd $d && rmdir $d && ";
        using var embedded = LlmServeProcess.StartFromShell($"{Leave} $llmserve tokenize Hello");
        using var relative = LlmServeProcess.StartFromShell($"{Leave} $llmserve tokenize Hello --model a.gguf");

        var result = await embedded.FinishAsync();
        Assert.Equal((0, "19556\tHello\n"), (result.Code, result.Out));
        var refused = await relative.FinishAsync();
        Assert.Equal(1, refused.Code);
        Assert.EndsWith("llmserve: error: --model: 'a.gguf' is relative to the working directory, which is gone; give a path that begins with /\n", refused.Error);
    }

    [SkippableTheory]
    [InlineData("inspect --model $d/pipe")]
    [InlineData("run Hello --model $d/pipe")]
    [InlineData("run Hello --draft $d/pipe")]
    public async Task Model_ThatIsAPipe_IsRefusedAtOnce(string command)
    {
        Skip.If(OperatingSystem.IsWindows(), WindowsSkip);
        using var process = LlmServeProcess.StartFromShell($"d=$(mktemp -d) && mkfifo $d/pipe && $llmserve {command}");

        var result = await process.FinishAsync();

        Assert.Equal((1, ""), (result.Code, result.Out));
        Assert.Contains("/pipe: cannot be opened: it is a pipe or a terminal, and a model is mapped into memory; write it to a file first", result.Error);
    }

    [SkippableTheory]
    [InlineData("tokenize")]
    [InlineData("run", "-")]
    [InlineData("render", "--json", "-")]
    [InlineData("logits", "--ids", "-", "--output", "/dev/null")]
    public async Task Input_ThatNeverComes_IsLeftOnInterrupt(params string[] command)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "SKIPPED: Linux tells which signals a process catches");
        using var process = LlmServeProcess.Start(command);
        await process.WaitUntilItListensAsync();

        process.Send(LlmServeProcess.Interrupt);

        Assert.Equal(130, (await process.FinishAsync()).Code);
    }

    [Fact]
    public async Task JsonLines_OfACallerThatWaits_AreAnsweredOneByOne()
    {
        using var tokenize = LlmServeProcess.Start(["tokenize", "--json", "-"]);
        using var render = LlmServeProcess.Start(["render", "--json", "-"]);
        using var patience = new CancellationTokenSource(LlmServeProcess.Patience);
        for (int i = 0; i < 2; i++)
        {
            await tokenize.In.WriteLineAsync("{\"text\": \"Hello\"}");
            await tokenize.In.FlushAsync(patience.Token);
            Assert.Equal("{\"ids\":[19556]}", await tokenize.Out.ReadLineAsync(patience.Token));

            await render.In.WriteLineAsync("{\"messages\": []}");
            await render.In.FlushAsync(patience.Token);
            Assert.StartsWith("{\"text\":", await render.Out.ReadLineAsync(patience.Token));
        }
    }

    [Theory]
    [InlineData("EF BB BF 41", "\uFEFFA", "")]
    [InlineData("FF FE 41 00", "\uFFFD\uFFFDA\0", "standard input is not all UTF-8: each wrong byte was read as U+FFFD\n")]
    [InlineData("FE FF 00 41", "\uFFFD\uFFFD\0A", "standard input is not all UTF-8: each wrong byte was read as U+FFFD\n")]
    public async Task Tokenize_BytesThatLookLikeAMark_AreTheText(string bytes, string text, string note)
    {
        using var process = LlmServeProcess.Start(["tokenize", "-"]);
        await process.In.BaseStream.WriteAsync(Convert.FromHexString(bytes.Replace(" ", "", StringComparison.Ordinal)));
        process.In.Close();

        var result = await process.FinishAsync();

        var expected = await LlmServeProcess.RunAsync(System.Text.Json.JsonSerializer.Serialize(new { text }) + "\n", "tokenize", "--json", "-");
        string ids = string.Join(',', result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')[0]));
        Assert.Equal((0, note), (result.Code, result.Error));
        Assert.Equal(expected.Out, $"{{\"ids\":[{ids}]}}\n");
    }
}
