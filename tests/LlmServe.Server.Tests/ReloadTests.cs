using Grpc.Core;
using LlmServe.Client;
using LlmServe.Serving;

namespace LlmServe.Server.Tests;

/// <summary>Keys and certificates that change while the server runs.</summary>
public sealed class ReloadTests
{
    private const string Alice = "alice-alice-alice-alice";
    private const string Bob = "bob-bob-bob-bob-bob-bob";

    [Fact]
    public async Task ReplaceKeys_WhileServing_LetsInTheNewOwnersAlone()
    {
        await using var server = await TestServer.StartAsync(new() { Gated = true }, options: new ServerOptions { ApiKeys = [Key("alice", Alice)] });
        using var alice = server.Connect(new LlmServeClientOptions { ApiKey = Alice });
        using var bob = server.Connect(new LlmServeClientOptions { ApiKey = Bob });
        var running = alice.ChatAsync(TestServer.Chat("Hi")).ToListAsync();
        await server.Executor.Gate.WhenHeldAsync().WaitAsync(Calls.Patience);
        await Calls.FailsAsync(StatusCode.Unauthenticated, () => bob.ListModelsAsync());

        server.Host.ReplaceKeys([Key("bob", Bob)]);
        Assert.Single(await bob.ListModelsAsync());
        await Calls.FailsAsync(StatusCode.Unauthenticated, () => alice.ListModelsAsync());
        server.Executor.Gate.Open();
        Assert.Equal(TestServer.Answer, (await running.WaitAsync(Calls.Patience)).Text());
        Assert.Throws<OptionException>(() => server.Host.ReplaceKeys([]));
        Assert.Single(await bob.ListModelsAsync());
    }

    [Fact]
    public async Task ReplaceCertificate_WhileServing_IsShownToNewConnections()
    {
        using var first = TestCertificate.Create();
        using var second = TestCertificate.Create();
        await using var server = await TestServer.StartAsync(options: new ServerOptions { Certificate = ServerCertificate.From(first) });
        using var old = server.Connect(new LlmServeClientOptions { TrustedRoots = [first], Timeout = Calls.Patience });
        Assert.Single(await old.ListModelsAsync());

        server.Host.ReplaceCertificate(ServerCertificate.From(second));
        Assert.Single(await old.ListModelsAsync());
        using var late = server.Connect(new LlmServeClientOptions { TrustedRoots = [second], Timeout = Calls.Patience });
        Assert.Single(await late.ListModelsAsync());
        using var stale = server.Connect(new LlmServeClientOptions { TrustedRoots = [first], Timeout = Calls.Patience });
        await Assert.ThrowsAsync<RpcException>(() => stale.ListModelsAsync());
    }

    private static ApiKey Key(string name, string key) => new() { Name = name, Sha256 = ApiKey.HashOf(key) };
}
