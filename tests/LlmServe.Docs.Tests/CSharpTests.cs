using LlmServe.Docs.Tests.Support;
using LlmServe.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace LlmServe.Docs.Tests;

/// <summary>Every block of C# is a program: it is compiled as a new console project would, and run.</summary>
public class CSharpTests(DocsServer server) : IClassFixture<DocsServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // What the SDK writes for a project with implicit usings.
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    public static TheoryData<string> Blocks => [.. DocPages.BlocksOf("csharp").Select(block => block.Place)];

    [Theory]
    [MemberData(nameof(Blocks))]
    public async Task Block_OfCSharp_CompilesAndRuns(string place)
    {
        var block = DocPages.BlocksOf("csharp").Single(candidate => candidate.Place == place);

        var assembly = System.Reflection.Assembly.Load(Compile(block.Place, server.Replace(block.Text)));

        var output = new StringWriter();
        var standard = Console.Out;
        string folder = Environment.CurrentDirectory;
        Console.SetOut(output);
        Environment.CurrentDirectory = TestData.RepositoryRoot;
        try
        {
            var entry = assembly.EntryPoint!;
            var run = Task.Run(() => entry.Invoke(null, entry.GetParameters().Length == 0 ? null : [Array.Empty<string>()]));
            await run.WaitAsync(Patience);
        }
        finally
        {
            Console.SetOut(standard);
            Environment.CurrentDirectory = folder;
        }

        Assert.NotEqual("", output.ToString());
    }

    private static byte[] Compile(string name, string code)
    {
        string[] trusted = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var parse = new CSharpParseOptions(LanguageVersion.Latest);
        var compilation = CSharpCompilation.Create(
            $"Docs{Guid.NewGuid():N}",
            [CSharpSyntaxTree.ParseText(ImplicitUsings, parse), CSharpSyntaxTree.ParseText(code, parse, name)],
            trusted.Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable, allowUnsafe: true));
        using var stream = new MemoryStream();
        var result = compilation.Emit(stream);
        string[] problems = [.. result.Diagnostics.Where(found => found.Severity >= DiagnosticSeverity.Warning && found.Id != "CS1701").Select(found => found.ToString())];
        Assert.True(problems.Length == 0, $"{name}:\n{string.Join('\n', problems)}\n{code}");
        return stream.ToArray();
    }
}
