using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmServe.Docs.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Docs.Tests;

/// <summary>The Dockerfile, read as an engine reads it: what it copies is there, and its entry point and health check are run as plain commands.</summary>
public sealed partial class ContainerTests : IDisposable
{
    private const int Terminate = 15;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly (string Name, string Text)[] Instructions = Read();
    private readonly string _folder = Directory.CreateTempSubdirectory("llmserve-docs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Copy_FromTheRepository_NamesWhatIsThere()
    {
        string[] sources = [.. Of("COPY").Where(text => !text.StartsWith("--from", StringComparison.Ordinal)).SelectMany(text => text.Split(' ')[..^1])];

        Assert.NotEmpty(sources);
        Assert.All(sources, source => Assert.True(Path.Exists(Path.Combine(TestData.RepositoryRoot, source)), source));

        // What is built in the image needs every file of settings that a build here reads.
        Assert.Contains("global.json", sources);
        Assert.Contains("Directory.Packages.props", sources);
    }

    [Fact]
    public void Publish_Project_IsTheProgram()
    {
        string publish = Assert.Single(Of("RUN"), text => text.StartsWith("dotnet publish", StringComparison.Ordinal));

        Assert.True(File.Exists(Path.Combine(TestData.RepositoryRoot, publish.Split(' ')[2])));
        Assert.Contains("-o /app", publish);
    }

    [Fact]
    public void Cache_Always_IsAVolumeOfTheServersUser()
    {
        string volume = Assert.Single(Of("VOLUME"));

        Assert.Equal(volume, $"{Variables()["XDG_CACHE_HOME"]}/llmserve");
        Assert.Contains(Of("RUN"), text => text.Contains($"chown $APP_UID {volume}", StringComparison.Ordinal));
        Assert.Equal("$APP_UID", Assert.Single(Of("USER")));
    }

    [Fact]
    public void EntryPoint_Flags_BeatNoVariable()
    {
        Assert.Equal(["/app/llmserve"], Command("ENTRYPOINT"));
        Assert.Equal(["serve"], Command("CMD"));
        Assert.Equal(Variables()["LLMSERVE_PORT"], Assert.Single(Of("EXPOSE")));
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task HealthCheck_OfARunningContainer_FollowsItsPortAndCertificate(bool tls)
    {
        Skip.If(OperatingSystem.IsWindows(), "SKIPPED: containers are tested where signals are POSIX");
        var variables = Variables();
        variables["LLMSERVE_PORT"] = FreePort();
        variables["LLMSERVE_MODEL"] = QuickModel.Path;
        variables["XDG_CACHE_HOME"] = _folder;
        if (tls)
        {
            WriteCertificate(variables);
        }

        int process = 0;
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var container = RunAsync(["-c", "echo $$; exec \"$0\" \"$@\"", BuiltProgram.Runtime, .. Program([.. Command("ENTRYPOINT"), .. Command("CMD")])], variables, line =>
        {
            process = process == 0 ? int.Parse(line) : process;
            if (line.StartsWith("serving ", StringComparison.Ordinal))
            {
                started.TrySetResult();
            }
        });
        if (await Task.WhenAny(started.Task, container) == container)
        {
            Assert.Fail((await container).Text);
        }

        var health = await RunAsync(["-c", "exec \"$0\" \"$@\"", BuiltProgram.Runtime, .. Program(HealthCheck())], variables, null);
        Assert.Equal(0, Kill(process, Terminate));

        Assert.Equal((0, "serving\n"), health);
        var (code, text) = await container;
        Assert.Equal(0, code);
        Assert.True(Directory.EnumerateFileSystemEntries(Path.Combine(_folder, "llmserve")).Any(), text);
    }

    private static Task<(int ExitCode, string Text)> RunAsync(string[] arguments, Dictionary<string, string> variables, Action<string>? onLine) =>
        OtherPrograms.RunAsync("/bin/sh", arguments, Path.GetTempPath(), Patience, onLine, [.. variables.Select(variable => (variable.Key, variable.Value))]);

    /// <summary>The program of the image is the one that was built with these tests.</summary>
    private static string[] Program(string[] command)
    {
        Assert.Equal("/app/llmserve", command[0]);
        return [BuiltProgram.Path, .. command[1..]];
    }

    private static string[] HealthCheck() => JsonSerializer.Deserialize<string[]>(Assert.Single(Of("HEALTHCHECK")).Split(" CMD ")[1])!;

    private static string[] Command(string instruction) => JsonSerializer.Deserialize<string[]>(Assert.Single(Of(instruction)))!;

    private static Dictionary<string, string> Variables() =>
        Of("ENV").SelectMany(text => text.Split(' ')).Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);

    private static IEnumerable<string> Of(string instruction) => Instructions.Where(line => line.Name == instruction).Select(line => line.Text);

    private static (string Name, string Text)[] Read() =>
    [
        .. Regex.Replace(File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "Dockerfile")), @"\\\n\s*", " ").Split('\n')
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(' ', 2))
            .Select(parts => (parts[0], parts[1])),
    ];

    private static string FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port.ToString();
    }

    private void WriteCertificate(Dictionary<string, string> variables)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=llm.example.org", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        variables["LLMSERVE_TLS_CERT"] = Path.Combine(_folder, "server.pem");
        variables["LLMSERVE_TLS_KEY"] = Path.Combine(_folder, "server.key");
        File.WriteAllText(variables["LLMSERVE_TLS_CERT"], certificate.ExportCertificatePem());
        File.WriteAllText(variables["LLMSERVE_TLS_KEY"], key.ExportPkcs8PrivateKeyPem());
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
