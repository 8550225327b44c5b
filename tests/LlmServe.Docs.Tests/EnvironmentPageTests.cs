using System.CommandLine;
using System.Text.RegularExpressions;
using LlmServe.Cli.Serve;
using LlmServe.Testing;

namespace LlmServe.Docs.Tests;

/// <summary>docs/environment.md lists every variable of the program, and no other.</summary>
public partial class EnvironmentPageTests
{
    private const string Begin = "<!-- the variables of serve begin here -->\n";
    private const string End = "<!-- and end here -->\n";

    // Placeholders of messages and of examples.
    private static readonly string[] NoVariables = ["LLMSERVE_", "LLMSERVE_MAX_QUEUES"];

    private static string Page => Path.Combine(TestData.RepositoryRoot, "docs", "environment.md");

    [Fact]
    public void Variables_OfServe_AreThoseOfItsOptions()
    {
        var command = new Command("serve");
        ServeOptionSet.AddTo(command);
        string table = "\n| variable | option |\n| --- | --- |\n" + string.Concat(command.Options
            .Where(option => option.Name != "--config" && option.Name != "--help")
            .Select(option => $"| `{ConfigurationValues.Prefix}{ServeConfiguration.KeyOf(option).ToUpperInvariant()}` | `{option.Name}` |\n")) + "\n";
        string page = File.ReadAllText(Page);
        string expected = page[..(page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length)] + table + page[page.IndexOf(End, StringComparison.Ordinal)..];
        if (Environment.GetEnvironmentVariable("LLMSERVE_UPDATE_DOCS") == "1")
        {
            File.WriteAllText(Page, expected);
            page = expected;
        }

        Assert.True(page == expected, "docs/environment.md does not list the options of serve: run this test with LLMSERVE_UPDATE_DOCS=1");
    }

    [Fact]
    public void Variables_NamedInTheSource_AreOnThePage()
    {
        var listed = Names(File.ReadAllText(Page)).ToHashSet();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(TestData.RepositoryRoot, "src"), "*.cs", SearchOption.AllDirectories))
        {
            Assert.All(Names(File.ReadAllText(file)).Except(NoVariables), name =>
                Assert.True(listed.Contains(name) || listed.Any(known => known.StartsWith(name, StringComparison.Ordinal)), $"{file} names {name}, which docs/environment.md does not"));
        }
    }

    private static IEnumerable<string> Names(string text) => Variable().Matches(text).Select(match => match.Value).Distinct();

    [GeneratedRegex("LLMSERVE_[A-Z_0]*")]
    private static partial Regex Variable();
}
