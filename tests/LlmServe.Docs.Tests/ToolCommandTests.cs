using LlmServe.Docs.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Docs.Tests;

/// <summary>Commands of other programs that are not run: what they name is there.</summary>
public class ToolCommandTests
{
    private static readonly string[] KnownPackages =
        ["python3-grpcio", "protobuf-compiler", "qemu-user", "grpcio", "grpcio-tools", "openai"];

    [Fact]
    public void Dotnet_EveryCommand_NamesProjectsThatExist()
    {
        Assert.All(Excepted("dotnet", ".ci/run"), command => Assert.All(Paths(command, "-o", "--output"), path => AssertExists(command, path)));
    }

    [Fact]
    public void Script_EveryCommand_Exists()
    {
        Assert.All(Excepted("node", "cd", "tests/arm64/run.sh", "DOTNET_EnableArm64Dp=0"), command => Assert.All(Paths(command), path => AssertExists(command, path)));
    }

    [Fact]
    public void Installation_EveryCommand_NamesKnownPackages()
    {
        Assert.All(Excepted("apt-get", "pip"), command =>
        {
            var words = CommandLine.Split(command).SkipWhile(word => word != "install").Skip(1).Where(word => word[0] != '-');
            Assert.All(words, word => Assert.Contains(word, KnownPackages));
        });
    }

    private static IEnumerable<string> Excepted(params string[] programs) => DocPages.BlocksOf("sh", "console").SelectMany(block => block.Commands)
        .Where(command => programs.Contains(command.Split(' ')[0]) && DocException.For(command) is not null);

    /// <summary>Words that look like paths of the repository, apart from the values of some options.</summary>
    private static IEnumerable<string> Paths(string command, params string[] outputs)
    {
        var words = CommandLine.Split(command);
        return words.Where((word, i) => word.Contains('/', StringComparison.Ordinal) && !word.Contains("://", StringComparison.Ordinal)
            && word[0] is not ('/' or '~' or '-' or '$') && (i == 0 || !outputs.Contains(words[i - 1])));
    }

    private static void AssertExists(string command, string path)
    {
        string full = Path.Combine(TestData.RepositoryRoot, path);
        Assert.True(File.Exists(full) || Directory.Exists(full), $"'{command}' names {path}, which is not there");
    }
}
