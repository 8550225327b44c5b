using LlmServe.Cli.Chat;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests;

public sealed class ChatHistoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _notes = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ForUser_StateFolder_IsWhereTheSpecificationSays()
    {
        History(("XDG_STATE_HOME", _folder.File("state"))).Add("hello");

        Assert.Equal("\"hello\"\n", File.ReadAllText(Path.Combine(_folder.File("state"), "llmserve", "history")));
    }

    [Theory]
    [InlineData("off")]
    [InlineData("OFF")]
    public void ForUser_Off_KeepsNothing(string off)
    {
        var history = History(("XDG_STATE_HOME", _folder.File("state")), (ChatHistory.Variable, off));

        history.Add("secret");

        Assert.Empty(history.Load());
        Assert.False(Directory.Exists(_folder.File("state")));
        Assert.Empty(_notes);
    }

    [SkippableFact]
    public void Add_NewFile_IsReadableByItsOwnerAlone()
    {
        Skip.If(OperatingSystem.IsWindows(), "SKIPPED: file modes are POSIX");
        string path = _folder.File("history");

        History((ChatHistory.Variable, path)).Add("hello");

        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(path) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [Fact]
    public void Load_LongFile_KeepsTheLatestThousand()
    {
        string path = _folder.Write("history", string.Concat(Enumerable.Range(0, 2001).Select(i => $"\"{i}\"\n")));

        var loaded = History((ChatHistory.Variable, path)).Load();

        Assert.Equal(Enumerable.Range(1001, 1000).Select(i => $"{i}"), loaded);
        Assert.Equal(1000, File.ReadAllLines(path).Length);
        Assert.Single(Directory.EnumerateFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void Load_LinesOfSomethingElse_AreLeftOut()
    {
        string path = _folder.Write("history", "\"a\"\nplain\n{}\nnull\n\"b\"\n");

        Assert.Equal(["a", "b"], History((ChatHistory.Variable, path)).Load());
    }

    [Fact]
    public void Add_FileThatCannotBe_SaysSoOnceAndGoesOn()
    {
        var history = History((ChatHistory.Variable, Path.Combine(_folder.Write("file", ""), "history")));

        history.Add("one");
        history.Add("two");

        Assert.StartsWith("what is typed is not kept: ", Assert.Single(_notes));
    }

    private ChatHistory History(params (string Name, string Value)[] variables) =>
        ChatHistory.ForUser(variables.ToDictionary(variable => variable.Name, variable => variable.Value), _notes.Add);
}
