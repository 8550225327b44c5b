using LlmServe.Testing;

namespace LlmServe.Docs.Tests.Support;

/// <summary>The <c>llmserve</c> that was built with these tests.</summary>
internal static class BuiltProgram
{
    /// <summary>The runtime that runs these tests.</summary>
    public static string Runtime { get; } =
        Environment.ProcessPath is { } own && System.IO.Path.GetFileNameWithoutExtension(own) == "dotnet" ? own : "dotnet";

    /// <summary>The program, of the same configuration as these tests.</summary>
    public static string Path { get; } = Find();

    private static string Find()
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        string path = System.IO.Path.Combine(TestData.RepositoryRoot, "src", "LlmServe.Cli", "bin", output.Parent!.Name, output.Name, "llmserve.dll");
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} was not built", path);
    }
}
