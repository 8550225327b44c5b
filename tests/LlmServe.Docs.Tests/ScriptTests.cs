using LlmServe.Docs.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Docs.Tests;

/// <summary>Blocks of Python and JavaScript are run against a server; those of a page are one program.</summary>
public class ScriptTests(DocsServer server) : IClassFixture<DocsServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly string Protos = Path.Combine(TestData.RepositoryRoot, "protos");

    public static TheoryData<string> PythonPages => PagesWith("python");

    public static TheoryData<string> JavaScriptPages => PagesWith("js");

    [SkippableTheory]
    [MemberData(nameof(PythonPages))]
    public async Task Page_OfPython_Runs(string page)
    {
        string protoc = OtherPrograms.Require("protoc", $"the Python of {page} was not run (Debian: apt-get install protobuf-compiler python3-grpcio)");
        string python = await PythonAsync(page);
        using var folder = new Folder();
        var compiled = await OtherPrograms.RunAsync(
            protoc, ["-I", Protos, $"--python_out={folder.Path}", .. Directory.EnumerateFiles(Path.Combine(Protos, "llmserve", "v1"), "*.proto")], folder.Path, Patience);
        Assert.True(compiled.ExitCode == 0, compiled.Text);

        var (code, text) = await OtherPrograms.RunAsync(python, [folder.Write("page.py", Program(page, "python"))], folder.Path, Patience);

        Assert.True(code == 0 && text.Length > 0, $"{page}: ended with {code}:\n{text}");
    }

    [SkippableTheory]
    [MemberData(nameof(JavaScriptPages))]
    public async Task Page_OfJavaScript_Runs(string page)
    {
        string node = OtherPrograms.Require("node", $"the JavaScript of {page} was not run");
        string client = Path.Combine(TestData.RepositoryRoot, "tests", "node-client");
        await OtherPrograms.InstallNodePackagesAsync(client);
        using var folder = new Folder();
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "node_modules"), Path.Combine(client, "node_modules"));
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "protos"), Protos);

        var (code, text) = await OtherPrograms.RunAsync(node, [folder.Write("page.mjs", Program(page, "js"))], folder.Path, Patience);

        Assert.True(code == 0 && text.Length > 0, $"{page}: ended with {code}:\n{text}");
    }

    private static TheoryData<string> PagesWith(string language) => [.. DocPages.BlocksOf(language).Select(block => block.Page).Distinct()];

    private string Program(string page, string language) =>
        server.Replace(string.Join("\n\n", DocPages.Blocks(page).Where(block => block.Language == language).Select(block => block.Text)));

    /// <summary>The first Python that has gRPC: the system's own, where another one comes first on the search path.</summary>
    private static async Task<string> PythonAsync(string page)
    {
        foreach (string candidate in (string[])["python3", "/usr/bin/python3"])
        {
            if ((OtherPrograms.Find(candidate) ?? (File.Exists(candidate) ? candidate : null)) is { } found
                && (await OtherPrograms.RunAsync(found, ["-c", "import grpc, google.protobuf"], Path.GetTempPath(), Patience)).ExitCode == 0)
            {
                return found;
            }
        }

        OtherPrograms.SkipOrFail(false, $"no Python has grpcio, so the Python of {page} was not run (Debian: apt-get install python3-grpcio protobuf-compiler)");
        return "";
    }

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("llmserve-docs-").FullName;

        public string Write(string name, string text)
        {
            string path = System.IO.Path.Combine(Path, name);
            File.WriteAllText(path, text);
            return path;
        }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
