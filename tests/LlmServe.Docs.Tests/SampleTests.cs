using LlmServe.Docs.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Docs.Tests;

/// <summary>Every sample is run as its page says.</summary>
public class SampleTests(DocsServer server) : IClassFixture<DocsServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>What each is given, and a part of what it must print.</summary>
    private static readonly Dictionary<string, (string[] Arguments, string Expected)> Known = new()
    {
        ["CustomExecutor"] = (["{model}"], "The "),
        ["GrpcClient"] = (["{server}"], "> And of Italy?"),
        ["PlanBeforeSend"] = (["{server}", "http://127.0.0.1:1"], "http://127.0.0.1:1/: not there"),
    };

    public static TheoryData<string> Samples =>
        [.. Directory.EnumerateDirectories(Path.Combine(TestData.RepositoryRoot, "samples")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Samples))]
    public async Task Sample_EveryOne_RunsAndSaysWhatItShould(string sample)
    {
        var (arguments, expected) = Known[sample];
        string[] replaced = [.. arguments.Select(argument => argument
            .Replace("{model}", QuickModel.Path, StringComparison.Ordinal)
            .Replace("{server}", $"http://{server.Authority}", StringComparison.Ordinal))];

        var (code, text) = await OtherPrograms.RunAsync(
            BuiltProgram.Runtime, [BuiltProgram.Of($"samples/{sample}", sample), .. replaced], TestData.RepositoryRoot, Patience);

        Assert.True(code == 0, text);
        Assert.Contains(expected, text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Sample_EveryOne_IsOnThePage(string sample)
    {
        Assert.Contains($"## {sample}", File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "samples", "README.md")), StringComparison.Ordinal);
    }
}
