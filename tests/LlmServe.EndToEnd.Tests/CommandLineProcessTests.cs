using LlmServe.EndToEnd.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.EndToEnd.Tests;

/// <summary>The program as a user meets it, without a model running.</summary>
public class CommandLineProcessTests
{
    [Theory]
    [InlineData]
    [InlineData("chat")]
    [InlineData("run")]
    [InlineData("serve")]
    [InlineData("health")]
    [InlineData("tokenize")]
    [InlineData("render")]
    [InlineData("inspect")]
    [InlineData("logits")]
    [InlineData("bench")]
    [InlineData("completion")]
    [InlineData("man")]
    public async Task Help_OfEveryCommand_IsPlainText(params string[] command)
    {
        var result = await LlmServeProcess.RunAsync("", [.. command, "--help"]);

        Assert.Equal(0, result.Code);
        Assert.Contains($"llmserve {string.Join(' ', command)}", result.Out);
        Assert.DoesNotContain('\e', result.Out);
        Assert.Empty(result.Error);
    }

    [Fact]
    public async Task Version_Always_IsTheProjects()
    {
        var result = await LlmServeProcess.RunAsync("", "--version");

        Assert.Equal(0, result.Code);
        Assert.StartsWith("0.1.0", result.Out);
    }

    [SkippableTheory]
    [InlineData("llmserve ser", "serve")]
    [InlineData("llmserve chat --dr", "--draft")]
    [InlineData("llmserve serve --reflection o", "off on open")]
    [InlineData("llmserve run --model /", "")]
    public async Task Completion_InBash_CompletesTheLine(string line, string expected)
    {
        Skip.IfNot(File.Exists("/bin/bash"), "SKIPPED: bash is not installed");
        using var process = LlmServeProcess.StartFromShell($$"""
            exec bash -c '
            llmserve() { (set -f; IFS=" "; $llmserve "$@"); }
            eval "$(llmserve completion bash)"
            COMP_LINE=$1 COMP_POINT=${#1}
            read -ra COMP_WORDS <<<"$1"
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _llmserve
            echo "${COMPREPLY[@]}"' bash '{{line}}'
            """);

        var result = await process.FinishAsync();

        Assert.Equal(new ProcessResult(0, expected + "\n", ""), result);
    }

    [Fact]
    public async Task Usage_Wrong_EndsWithTwo()
    {
        var result = await LlmServeProcess.RunAsync("", "chat", "--lanes", "many");

        Assert.Equal(2, result.Code);
        Assert.Empty(result.Out);
        Assert.StartsWith("llmserve: error: --lanes: found 'many'", result.Error);
    }

    [Fact]
    public async Task Chat_BrokenModelPath_IsOneLine()
    {
        var result = await LlmServeProcess.RunAsync("", "chat", "hello", "--model", "/no/such/model.gguf");

        Assert.Equal(1, result.Code);
        Assert.Equal("llmserve: error: --model: no file at /no/such/model.gguf; check the path, or leave it out to use the embedded model\n", result.Error);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(1000)]
    [InlineData(1_000_000)]
    [InlineData(50_000_000)]
    public async Task Chat_TruncatedModel_IsOneLineThatNamesTheFile(int bytes)
    {
        string path = Path.Combine(Path.GetTempPath(), $"llmserve-truncated-{Guid.NewGuid():N}.gguf");
        try
        {
            await using (var target = File.Create(path))
            {
                byte[] start = new byte[bytes];
                using var source = File.OpenRead(TestData.EmbeddedModel);
                source.ReadExactly(start);
                target.Write(start);
            }

            var result = await LlmServeProcess.RunAsync("", "chat", "hello", "--model", path);

            Assert.Equal(1, result.Code);
            Assert.Empty(result.Out);
            Assert.StartsWith($"llmserve: error: {path}", result.Error);
            Assert.Single(result.Error.TrimEnd().Split('\n'));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Tokenize_FromAnyFolder_FindsTheEmbeddedModel()
    {
        using var process = LlmServeProcess.Start(["tokenize", "Hello world"], folder: Path.GetTempPath());

        var result = await process.FinishAsync();

        Assert.Equal(0, result.Code);
        Assert.Equal("19556\tHello\n905\t world\n", result.Out.ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task Tokenize_JsonThroughPipes_KeepsUnicode()
    {
        var result = await LlmServeProcess.RunAsync("{\"text\": \"héllo 日本 😀\"}\n", "tokenize", "--json", "-");
        var escaped = await LlmServeProcess.RunAsync("{\"text\": \"h\\u00e9llo \\u65e5\\u672c \\ud83d\\ude00\"}\n", "tokenize", "--json", "-");

        Assert.Equal(0, result.Code);
        Assert.StartsWith("{\"ids\":[", result.Out);
        Assert.Equal(escaped.Out, result.Out);
    }

    [SkippableFact]
    public async Task Inspect_ReaderThatLeaves_IsNoCrash()
    {
        Skip.If(OperatingSystem.IsWindows(), "SKIPPED: closing a pipe early is tested where pipes are POSIX");
        using var process = LlmServeProcess.Start(["inspect"]);

        await process.ReadAsync(10);
        process.Out.Close();

        Assert.Equal("", await process.WaitForErrorAsync());
        Assert.Equal(0, await process.WaitForCodeAsync());
    }
}
