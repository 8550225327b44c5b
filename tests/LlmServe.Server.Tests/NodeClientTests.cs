using System.Diagnostics;
using System.Text;
using LlmServe.Engine;
using LlmServe.Serving;
using LlmServe.Testing;
using LlmServe.Testing.Fakes;
using Xunit.Abstractions;

namespace LlmServe.Server.Tests;

/// <summary>Runs the client in tests/node-client, which shares nothing with this repository but the .proto files, against a server in this process.</summary>
public sealed class NodeClientTests(ITestOutputHelper output)
{
    private static readonly TimeSpan InstallTime = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan CheckTime = TimeSpan.FromMinutes(1);
    private static readonly bool Strict = Environment.GetEnvironmentVariable("CI") == "true";

    private static string Folder => Path.Combine(TestData.RepositoryRoot, "tests", "node-client");

    [SkippableFact]
    public async Task NodeClient_AgainstServer_PassesEveryCheck()
    {
        string? node = FindProgram("node");
        Skip.If(node is null, "SKIPPED: node is not installed, so the API was not tried from outside .NET (install Node.js 18 or later)");
        await InstallAsync();

        const string Key = "node-node-node-node-node";
        await using var server = await StartAsync();
        await using var guarded = await TestServer.StartAsync(options: new ServerOptions
        {
            ApiKeys = [new ApiKey { Name = "node", Sha256 = ApiKey.HashOf(Key), MaxStreams = 1 }],
        });
        Task? stop = null;
        var (exitCode, text) = await RunAsync(node, ["check.mjs", $"127.0.0.1:{server.Host.Endpoint.Port}", $"127.0.0.1:{guarded.Host.Endpoint.Port}", Key], CheckTime, line =>
        {
            if (line == "stop the server")
            {
                stop = server.Host.StopAsync();
            }
        });
        output.WriteLine(text);
        Assert.True(exitCode == 0, text);
        Assert.NotNull(stop);
        await stop;
    }

    private static Task<TestServer> StartAsync() => TestServer.StartAsync(
        new ServerOptions { GracePeriod = TimeSpan.FromSeconds(2) },
        server =>
        [
            server.Model("fake", TestServer.Template, new FakeExecutorOptions { ContextLength = 4096 }),
            server.Model(
                "slow", TestServer.Template,
                // A pause per tick makes the model slow; no test waits for it to end.
                new FakeExecutorOptions { Next = _ => 'x', ContextLength = 4096, OnTick = _ => Thread.Sleep(10) },
                new EngineOptions { MaxSequences = 1, MaxQueue = 1 }),
            server.Model("plain", null),
            server.Model("faulty", "{{ 1 + 'a' }}"),
            server.Model("broken", TestServer.Template, new FakeExecutorOptions { ThrowAtTick = 1 }),
        ]);

    private async Task InstallAsync()
    {
        string installed = Path.Combine(Folder, "node_modules", ".package-lock.json");
        string wanted = Path.Combine(Folder, "package-lock.json");
        if (File.Exists(installed) && File.GetLastWriteTimeUtc(installed) >= File.GetLastWriteTimeUtc(wanted))
        {
            return;
        }

        string? npm = FindProgram("npm");
        SkipOrFail(npm is not null, "npm is not installed, so the Node client's packages cannot be");
        var (exitCode, text) = await RunAsync(npm!, ["ci", "--no-progress"], InstallTime, _ => { });
        output.WriteLine(text);
        SkipOrFail(exitCode == 0, $"npm ci failed in {Folder} (is the package registry out of reach?):\n{text}");
    }

    /// <summary>What a developer without a network may miss, continuous integration may not.</summary>
    private static void SkipOrFail(bool condition, string problem)
    {
        Assert.True(condition || !Strict, problem);
        Skip.IfNot(condition, $"SKIPPED: {problem}");
    }

    private static async Task<(int ExitCode, string Text)> RunAsync(string program, string[] arguments, TimeSpan time, Action<string> onLine)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = new Process { StartInfo = start };
        var text = new StringBuilder();
        void Take(string? line)
        {
            lock (text)
            {
                text.AppendLine(line);
            }

            onLine(line ?? "");
        }

        process.OutputDataReceived += (_, received) => Take(received.Data);
        process.ErrorDataReceived += (_, received) => Take(received.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var limit = new CancellationTokenSource(time);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return (-1, $"{text}\n(ended after {time})");
        }

        return (process.ExitCode, text.ToString());
    }

    private static string? FindProgram(string name)
    {
        string[] names = OperatingSystem.IsWindows() ? [$"{name}.exe", $"{name}.cmd"] : [name];
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => names.Select(file => Path.Combine(folder, file))).FirstOrDefault(File.Exists);
    }
}
