using LlmServe.Cli.Chat;
using LlmServe.Cli.Terminal;
using LlmServe.Cli.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests;

public class LineEditorTests
{
    [Fact]
    public void Apply_Typing_InsertsAtTheCursor()
    {
        var buffer = new LineBuffer();

        Type(buffer, "helo");
        Press(buffer, ConsoleKey.LeftArrow);
        Type(buffer, "l");

        Assert.Equal("hello", buffer.Text);
        Assert.Equal(4, buffer.Cursor);
    }

    [Fact]
    public void Apply_KeysOverSurrogates_MoveAndDeleteWholeCharacters()
    {
        var buffer = new LineBuffer();

        Type(buffer, "a😀b");
        Press(buffer, ConsoleKey.LeftArrow, ConsoleKey.LeftArrow);
        Assert.Equal(1, buffer.Cursor);
        Press(buffer, ConsoleKey.Delete);
        Assert.Equal("ab", buffer.Text);
        Type(buffer, "😀");
        Press(buffer, ConsoleKey.Backspace);

        Assert.Equal("ab", buffer.Text);
    }

    [Fact]
    public void Apply_AtTheEnds_DoesNothing()
    {
        var buffer = new LineBuffer();

        Press(buffer, ConsoleKey.Backspace, ConsoleKey.Delete, ConsoleKey.LeftArrow, ConsoleKey.RightArrow, ConsoleKey.UpArrow, ConsoleKey.DownArrow);

        Assert.Equal("", buffer.Text);
        Assert.Equal(0, buffer.Cursor);
    }

    [Fact]
    public void Apply_ControlKeys_EditWordsAndLines()
    {
        var buffer = new LineBuffer();

        Type(buffer, "one two three");
        Control(buffer, ConsoleKey.W);
        Assert.Equal("one two ", buffer.Text);
        Control(buffer, ConsoleKey.A);
        Press(buffer, ConsoleKey.RightArrow, ConsoleKey.RightArrow, ConsoleKey.RightArrow);
        Control(buffer, ConsoleKey.K);
        Assert.Equal("one", buffer.Text);
        Control(buffer, ConsoleKey.U);

        Assert.Equal("", buffer.Text);
    }

    [Fact]
    public void Apply_UpAndDown_RecallLinesAndTheDraft()
    {
        var buffer = new LineBuffer();
        foreach (string line in (string[])["first", "second", "second"])
        {
            Type(buffer, line);
            buffer.Accept();
        }

        Type(buffer, "draft");
        Press(buffer, ConsoleKey.UpArrow);
        Assert.Equal("second", buffer.Text);
        Press(buffer, ConsoleKey.UpArrow);
        Assert.Equal("first", buffer.Text);
        Press(buffer, ConsoleKey.UpArrow, ConsoleKey.DownArrow, ConsoleKey.DownArrow);

        Assert.Equal("draft", buffer.Text);
    }

    [Fact]
    public void Apply_ControlCharacters_AreNotInserted()
    {
        var buffer = new LineBuffer();

        Assert.False(buffer.Apply(new ConsoleKeyInfo('\e', ConsoleKey.Escape, false, false, false)));
        Assert.True(buffer.Apply(new ConsoleKeyInfo('\t', ConsoleKey.Tab, false, false, false)));

        Assert.Equal(" ", buffer.Text);
    }

    [Fact]
    public async Task ReadLineAsync_Enter_GivesTheLineAndDrawsIt()
    {
        var harness = new CliHarness(terminal: true);
        var reader = Reader(harness, Keys("hi\r"));

        Assert.Equal("hi", await reader.ReadLineAsync("> ", CancellationToken.None));
        Assert.Contains("> \e[0mhi", harness.Error);
        Assert.Empty(harness.Out);
    }

    [Fact]
    public async Task ReadLineAsync_ControlDOnAnEmptyLine_IsTheEndOfInput()
    {
        var reader = Reader(new CliHarness(terminal: true), [new('\u0004', ConsoleKey.D, false, false, true)]);

        Assert.Null(await reader.ReadLineAsync("> ", CancellationToken.None));
    }

    [Fact]
    public async Task ReadLineAsync_Interrupt_ClearsALineAndOnAnEmptyOneEndsTheProgram()
    {
        var harness = new CliHarness(terminal: true);
        var keys = new Queue<ConsoleKeyInfo>(Keys("draft"));
        using var released = new ManualResetEventSlim();
        var reader = new TerminalLineReader(harness.Console, harness.Interrupts, Forgetful, () =>
        {
            if (keys.TryDequeue(out var key))
            {
                return key;
            }

            harness.Interrupts.RaiseInterrupt();
            if (harness.Interrupts.Token.IsCancellationRequested)
            {
                released.Wait();
            }

            return Keys("\r")[0];
        }, () => 80);

        Assert.Equal("", await reader.ReadLineAsync("> ", harness.Interrupts.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reader.ReadLineAsync("> ", harness.Interrupts.Token));
        released.Set();
    }

    [Fact]
    public async Task ReadLineAsync_LineLongerThanTheTerminal_MovesUpBeforeItDrawsAgain()
    {
        var harness = new CliHarness(terminal: true);
        var reader = Reader(harness, Keys("abcdefgh\r"), width: 6);

        Assert.Equal("abcdefgh", await reader.ReadLineAsync("> ", CancellationToken.None));

        // Prompt and text are 10 cells on rows of 6: once it has wrapped, every redraw starts one row up.
        Assert.Contains("\r\e[1A\e[J\e[1;32m> \e[0mabcdefgh", harness.Error);
    }

    [Fact]
    public async Task ReadLineAsync_Paste_IsOneLineWithItsBreaks()
    {
        var harness = new CliHarness(terminal: true);
        var reader = Reader(harness, Keys("say: \e[200~one\r\ttwo\n\e[31mthree\r\e[201~!\r"));

        Assert.Equal("say: one\n\ttwo\n[31mthree\n!", await reader.ReadLineAsync("> ", CancellationToken.None));
        Assert.Contains("say: one⏎ two⏎[31mthree⏎!", harness.Error);
        Assert.StartsWith("\e[?2004h", harness.Error);
        Assert.EndsWith("\e[?2004l", harness.Error);
    }

    [Theory]
    [InlineData("\ea\r", "a")]
    [InlineData("\e[2\r", "[2")]
    [InlineData("\e\e[200~x\e[201~\r", "x")]
    public async Task ReadLineAsync_EscapeAlone_IsNothing(string typed, string expected)
    {
        var reader = Reader(new CliHarness(terminal: true), Keys(typed));

        Assert.StartsWith(expected, await reader.ReadLineAsync("> ", CancellationToken.None));
    }

    [Fact]
    public async Task ReadLineAsync_History_ComesFromEarlierSessionsAndGoesOn()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.File("state"), "history");
        await Reader(new CliHarness(terminal: true), Keys("first\r"), history: Kept(path)).ReadLineAsync("> ", CancellationToken.None);
        await Reader(new CliHarness(terminal: true), Keys("\e[200~two\rlines\e[201~\r"), history: Kept(path)).ReadLineAsync("> ", CancellationToken.None);
        ConsoleKeyInfo up = new('\0', ConsoleKey.UpArrow, false, false, false);
        var reader = Reader(new CliHarness(terminal: true), [up, .. Keys("\r"), up, up, .. Keys("\r")], history: Kept(path));

        Assert.Equal("two\nlines", await reader.ReadLineAsync("> ", CancellationToken.None));
        Assert.Equal("first", await reader.ReadLineAsync("> ", CancellationToken.None));
        Assert.Equal("\"first\"\n\"two\\nlines\"\n\"two\\nlines\"\n\"first\"\n", await File.ReadAllTextAsync(path));
    }

    private static readonly ChatHistory Forgetful = new(null, _ => { });

    private static ChatHistory Kept(string path) => new(path, note => Assert.Fail(note));

    private static TerminalLineReader Reader(CliHarness harness, IEnumerable<ConsoleKeyInfo> keys, int width = 80, ChatHistory? history = null)
    {
        var queue = new Queue<ConsoleKeyInfo>(keys);
        return new TerminalLineReader(harness.Console, harness.Interrupts, history ?? Forgetful, queue.Dequeue, () => width);
    }

    private static ConsoleKeyInfo[] Keys(string text) =>
        [.. text.Select(c => new ConsoleKeyInfo(c, c == '\r' ? ConsoleKey.Enter : c == '\e' ? ConsoleKey.Escape : ConsoleKey.None, false, false, false))];

    private static void Type(LineBuffer buffer, string text) => Array.ForEach(Keys(text), key => buffer.Apply(key));

    private static void Press(LineBuffer buffer, params ConsoleKey[] keys) =>
        Array.ForEach(keys, key => buffer.Apply(new ConsoleKeyInfo('\0', key, false, false, false)));

    private static void Control(LineBuffer buffer, ConsoleKey key) => buffer.Apply(new ConsoleKeyInfo('\0', key, false, false, true));
}
