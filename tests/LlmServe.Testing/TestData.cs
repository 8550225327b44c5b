using Xunit;

namespace LlmServe.Testing;

/// <summary>Finds the files that tests read: those in the repository, and the larger shared set beside it.</summary>
public static class TestData
{
    /// <summary>The repository's root: the nearest folder above the test binaries that holds <c>LlmServe.sln</c>.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>The embedded model's GGUF file.</summary>
    public static string EmbeddedModel => Path.Combine(RepositoryRoot, "models", "smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf");

    /// <summary>A file under <c>tests/data</c>, which every clone has.</summary>
    public static string Local(params string[] parts) => Path.Combine([RepositoryRoot, "tests", "data", .. parts]);

    /// <summary>
    /// A path in the shared data set: <c>LLMSERVE_SHARED</c>, else <c>../shared</c> beside the repository. Where it is absent the calling test
    /// (a <c>[SkippableFact]</c> or <c>[SkippableTheory]</c>) is skipped and says so; with <c>CI=true</c> it fails.
    /// </summary>
    public static string Shared(params string[] parts)
    {
        string root = Environment.GetEnvironmentVariable("LLMSERVE_SHARED") is { Length: > 0 } set
            ? set : Path.GetFullPath(Path.Combine(RepositoryRoot, "..", "shared"));
        string path = Path.Combine([root, .. parts]);
        bool exists = File.Exists(path) || Directory.Exists(path);
        if (!exists && Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.Fail($"shared test data is missing under CI: {path}");
        }

        Skip.IfNot(exists, $"SKIPPED: shared test data not found: {path} (set LLMSERVE_SHARED)");
        return path;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "LlmServe.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"LlmServe.sln was not found above {AppContext.BaseDirectory}; run the tests from a clone.");
    }
}
