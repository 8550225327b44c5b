using LlmServe.Cli.Terminal;
using LlmServe.Cpu;
using LlmServe.Cli.Tests.Support;

namespace LlmServe.Cli.Tests;

public class TerminalTests
{
    [Theory]
    [InlineData(null, null, true)]
    [InlineData("", "xterm-256color", true)]
    [InlineData("1", "xterm-256color", false)]
    [InlineData(null, "dumb", false)]
    public void EscapesAllowedBy_Environment_FollowsNoColorAndTerm(string? noColor, string? term, bool expected) =>
        Assert.Equal(expected, CliConsole.EscapesAllowedBy(name => name == "NO_COLOR" ? noColor : term));

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    public void WriteError_Terminal_HasEscapesOnlyWhereAllowed(bool terminal, bool escapes, bool expected)
    {
        var harness = new CliHarness(terminal: terminal, escapes: escapes);

        harness.Console.WriteError("broken");
        harness.Console.WriteNote("note");

        Assert.Equal(expected, harness.Error.Contains('\e'));
        Assert.Contains("llmserve: error: ", harness.Error);
        Assert.Contains("broken", harness.Error);
        Assert.Contains("note", harness.Error);
    }

    [Fact]
    public async Task LoadProgress_TerminalWithoutEscapes_IsALinePerQuarter()
    {
        var harness = new CliHarness(terminal: true, escapes: false);

        await LoadProgressBar.RunAsync(harness.Console, "a.gguf", progress =>
        {
            foreach (double share in (double[])[0, 0.1, 0.3, 0.2, 1])
            {
                progress!.Report(new LoadProgress("repacking weights", share));
            }

            return 0;
        }, CancellationToken.None);

        Assert.Equal("a.gguf: repacking weights, 0 %\na.gguf: repacking weights, 25 %\na.gguf: repacking weights, 100 %\n", harness.Error);
    }

    [Fact]
    public async Task LoadProgress_Pipe_IsSilent()
    {
        var harness = new CliHarness();

        Assert.True(await LoadProgressBar.RunAsync(harness.Console, "a.gguf", progress => progress is null, CancellationToken.None));
        Assert.Empty(harness.Error);
    }

    [Fact]
    public void WriteError_Pipe_IsExactlyOneLine()
    {
        var harness = new CliHarness();

        harness.Console.WriteError("[red] is no markup");

        Assert.Equal("llmserve: error: [red] is no markup\n", harness.Error);
    }

    [Fact]
    public void Write_ReaderGone_IsRecognised()
    {
        using var stream = StandardOutputStream.Over(new ClosedPipe(32));

        Assert.Throws<OutputClosedException>(() => stream.Write([1, 2, 3]));
    }

    [Fact]
    public void Write_DiskFull_IsNotMistakenForAClosedPipe()
    {
        using var stream = StandardOutputStream.Over(new ClosedPipe(28));

        Assert.IsNotType<OutputClosedException>(Assert.ThrowsAny<IOException>(() => stream.Write([1, 2, 3])));
    }

    [Theory]
    [InlineData("plain\ttext\n", "plain\ttext\n")]
    [InlineData("\e[31mred\a", "\uFFFD[31mred\uFFFD")]
    [InlineData("\u009b2J", "\uFFFD2J")]
    public void Harmless_ControlCharacters_AreReplaced(string text, string expected) => Assert.Equal(expected, TerminalText.Harmless(text));

    [Theory]
    [InlineData("a\nb\r\t", "a\\nb\\r\\t")]
    [InlineData("\e", "\\u001b")]
    [InlineData("日本", "日本")]
    public void OneLine_ControlCharacters_AreSpelled(string text, string expected) => Assert.Equal(expected, TerminalText.OneLine(text));

    [Fact]
    public void RaiseInterrupt_Captured_GoesToTheLatestOnly()
    {
        using var interrupts = new Interrupts();
        var log = new List<string>();
        using var outer = interrupts.Capture(() => log.Add("outer"));
        using (interrupts.Capture(() => log.Add("inner")))
        {
            Assert.True(interrupts.RaiseInterrupt());
        }

        Assert.True(interrupts.RaiseInterrupt());
        Assert.Equal(["inner", "outer"], log);
        Assert.False(interrupts.Token.IsCancellationRequested);
    }

    [Fact]
    public void RaiseInterrupt_NobodyCaptures_EndsTheCommandAndThenTheProcess()
    {
        using var interrupts = new Interrupts();

        Assert.True(interrupts.RaiseInterrupt());
        Assert.True(interrupts.Token.IsCancellationRequested);
        Assert.False(interrupts.RaiseInterrupt());
    }

    private sealed class ClosedPipe(int errno) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("closed", errno);
    }
}
