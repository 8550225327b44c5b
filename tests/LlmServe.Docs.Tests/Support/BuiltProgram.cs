using LlmServe.Testing;

namespace LlmServe.Docs.Tests.Support;

/// <summary>The <c>llmserve</c> that was built with these tests.</summary>
internal static class BuiltProgram
{
    /// <summary>The runtime that runs these tests.</summary>
    public static string Runtime { get; } =
        Environment.ProcessPath is { } own && System.IO.Path.GetFileNameWithoutExtension(own) == "dotnet" ? own : "dotnet";

    /// <summary>The program, of the same configuration as these tests.</summary>
    public static string Path { get; } = Of("src/LlmServe.Cli", "llmserve");

    /// <summary>A program of the repository, of the same configuration as these tests.</summary>
    /// <param name="project">Its folder, from the repository's root.</param>
    /// <param name="name">The assembly's name.</param>
    public static string Of(string project, string name)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        string path = System.IO.Path.Combine(TestData.RepositoryRoot, project, "bin", output.Parent!.Name, output.Name, $"{name}.dll");
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} was not built", path);
    }
}
