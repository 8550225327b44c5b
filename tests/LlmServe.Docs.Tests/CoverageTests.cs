using LlmServe.Docs.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Docs.Tests;

/// <summary>No block of any page escapes: each has a language that a test runs, and every exception is needed.</summary>
public class CoverageTests
{
    // "text" is what programs print, and drawings; "protobuf" is part of a file that is compiled.
    private static readonly string[] Languages = ["sh", "console", "csharp", "json", "python", "js", "text", "protobuf"];

    public static TheoryData<string> Pages => [.. DocPages.All];

    [Fact]
    public void Pages_Always_AreFound()
    {
        Assert.Contains("README.md", DocPages.All);
        Assert.Contains("docs/grpc.md", DocPages.All);
        Assert.True(DocPages.All.Sum(page => DocPages.Blocks(page).Count) > 20);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Blocks_OfEveryPage_SayTheirLanguage(string page)
    {
        Assert.All(DocPages.Blocks(page), block => Assert.True(
            Languages.Contains(block.Language),
            $"{block.Place}: the block's language is '{block.Language}'; write it behind the fence: {string.Join(", ", Languages)}"));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Blocks_OfText_AreNoCommands(string page)
    {
        Assert.All(DocPages.Blocks(page).Where(block => block.Language == "text"), block =>
            Assert.DoesNotContain(block.Text.Split('\n'), line => line.TrimStart('$', ' ').StartsWith("llmserve ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Exceptions_All_AreNeededAndCheckedInAnotherWay()
    {
        string[] commands = [.. DocPages.All.SelectMany(DocPages.Blocks).SelectMany(block => block.Commands)];
        string tests = string.Concat(Directory.EnumerateFiles(Path.Combine(TestData.RepositoryRoot, "tests"), "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText));

        Assert.All(DocException.All, entry =>
        {
            Assert.True(commands.Any(command => DocException.For(command) == entry), $"no page has a command like '{entry.Command}' any more: remove the exception");
            Assert.Matches($@"public (async Task|void|sealed class|class) {entry.OtherCheck}\b", tests);
        });
    }
}
