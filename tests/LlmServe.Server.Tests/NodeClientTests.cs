using LlmServe.Engine;
using LlmServe.Serving;
using LlmServe.Testing;
using LlmServe.Testing.Fakes;
using Xunit.Abstractions;

namespace LlmServe.Server.Tests;

/// <summary>Runs the client in tests/node-client, which shares nothing with this repository but the .proto files, against a server in this process.</summary>
public sealed class NodeClientTests(ITestOutputHelper output)
{
    private static readonly TimeSpan CheckTime = TimeSpan.FromMinutes(1);

    private static string Folder => Path.Combine(TestData.RepositoryRoot, "tests", "node-client");

    [SkippableFact]
    public async Task NodeClient_AgainstServer_PassesEveryCheck()
    {
        string node = OtherPrograms.Require("node", "the API was not tried from outside .NET (install Node.js 18 or later)");
        await OtherPrograms.InstallNodePackagesAsync(Folder);

        const string Key = "node-node-node-node-node";
        await using var server = await StartAsync();
        await using var guarded = await TestServer.StartAsync(options: new ServerOptions
        {
            ApiKeys = [new ApiKey { Name = "node", Sha256 = ApiKey.HashOf(Key), MaxStreams = 1 }],
        });
        Task? stop = null;
        var (exitCode, text) = await OtherPrograms.RunAsync(node, ["check.mjs", $"127.0.0.1:{server.Host.Endpoint.Port}", $"127.0.0.1:{guarded.Host.Endpoint.Port}", Key], Folder, CheckTime, line =>
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
}
