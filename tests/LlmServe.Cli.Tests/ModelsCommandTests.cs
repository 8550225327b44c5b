using LlmServe.Cli.App;
using LlmServe.Cli.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests;

/// <summary><c>llmserve models</c>, and the page that holds what it prints.</summary>
public class ModelsCommandTests
{
    private const string Begin = "<!-- what `llmserve models` prints begins here -->\n\n", End = "\n<!-- and ends here -->";

    [Fact]
    public async Task Models_Always_ListsFamiliesFormatsTokenizersAndKeys()
    {
        var result = await new CliHarness().RunAsync("models");

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Contains("- `llama`: ", result.Out, StringComparison.Ordinal);
        Assert.Contains("| Q4_0 | 32 | 18 | 4.5 |", result.Out, StringComparison.Ordinal);
        Assert.Contains("`tokenizer.ggml.pre` (of `gpt2`): ", result.Out, StringComparison.Ordinal);
        Assert.Contains("`attention.clamp_kqv`", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_PageOfTheDocs_IsWhatTheCommandPrints()
    {
        string path = Path.Combine(TestData.RepositoryRoot, "docs", "models.md");
        string page = await File.ReadAllTextAsync(path);
        int begin = page.IndexOf(Begin, StringComparison.Ordinal), end = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin >= 0 && end > begin, "docs/models.md has lost its marks");

        var result = await new CliHarness().RunAsync("models");
        if (Environment.GetEnvironmentVariable("LLMSERVE_UPDATE_DOCS") == "1")
        {
            await File.WriteAllTextAsync(path, $"{page[..(begin + Begin.Length)]}{result.Out.TrimEnd()}\n{page[end..]}");
            return;
        }

        Assert.True(
            result.Out.TrimEnd() == page[(begin + Begin.Length)..end].TrimEnd(),
            "docs/models.md is not what `llmserve models` prints: put its output between the marks (LLMSERVE_UPDATE_DOCS=1 in this test's environment does it)");
    }
}
