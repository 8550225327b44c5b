using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Reflection.V1Alpha;
using LlmServe.Client;
using LlmServe.Serving;
using LlmServe.Testing.Fakes;
using LlmServe.V1;
using FinishReason = LlmServe.V1.FinishReason;

namespace LlmServe.Server.Tests;

/// <summary>API keys and what they limit.</summary>
public sealed class AccessTests
{
    private const string Alice = "alice-alice-alice-alice";
    private const string Bob = "bob-bob-bob-bob-bob-bob";

    [Fact]
    public async Task EveryMethod_WithoutOrWithWrongKey_IsUnauthenticated()
    {
        await using var server = await StartAsync();
        foreach (string? key in (string?[])[null, "wrong-wrong-wrong-wrong", Alice + "x", Alice[..^1], Alice.ToUpperInvariant()])
        {
            using var client = server.Connect(new LlmServeClientOptions { ApiKey = key });
            foreach (Func<Task> call in (Func<Task>[])[
                () => client.ChatAsync(TestServer.Chat("Hi")).ToListAsync(), () => client.GenerateAsync(new GenerateRequest { Text = "x" }).ToListAsync(),
                () => client.TokenizeAsync(new TokenizeRequest()), () => client.DetokenizeAsync(new DetokenizeRequest()),
                () => client.ListModelsAsync(), () => client.GetModelAsync()])
            {
                var exception = await Calls.FailsAsync(StatusCode.Unauthenticated, call);
                Assert.EndsWith("send the metadata 'authorization: Bearer KEY'", exception.Status.Detail, StringComparison.Ordinal);
            }
        }

        Assert.Empty(server.Histories);
        Assert.DoesNotContain(server.Logs.Entries, entry => entry.Message.Contains("wrong-wrong", StringComparison.Ordinal));
        Assert.Contains(server.Logs.Entries, entry => entry.Event == 14);
    }

    [Theory]
    [InlineData("Basic YWxpY2U6eA==")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData(Alice)]
    public async Task Call_WithMalformedAuthorization_IsUnauthenticated(string authorization)
    {
        await using var server = await StartAsync();
        using var raw = new RawClient(server.Host.Address);
        var (status, _) = await raw.StreamAsync("llmserve.v1.ModelService", "ListModels", [], new Metadata { { "authorization", authorization } });

        Assert.Equal(StatusCode.Unauthenticated, status.StatusCode);
    }

    [Fact]
    public async Task Call_WithHugeAuthorization_IsUnauthenticated()
    {
        await using var server = await StartAsync();
        using var raw = new RawClient(server.Host.Address);
        var (status, _) = await raw.StreamAsync(
            "llmserve.v1.ModelService", "ListModels", [], new Metadata { { "authorization", $"Bearer {new string('x', 10_000)}" } });

        Assert.Equal(StatusCode.Unauthenticated, status.StatusCode);
    }

    [Fact]
    public async Task Chat_WithKey_IsAnswered()
    {
        await using var server = await StartAsync();
        foreach (string key in (string[])[Alice, Bob])
        {
            using var client = server.Connect(new LlmServeClientOptions { ApiKey = key });
            Assert.Equal(TestServer.Answer, (await client.ChatAsync(TestServer.Chat("Hi")).ToListAsync()).Text());
        }
    }

    [Fact]
    public async Task Health_WithoutKey_IsOpen()
    {
        await using var server = await StartAsync();
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await server.Client.CheckHealthAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reflection_WithoutKey_IsOpenOnlyIfSaid(bool open)
    {
        await using var server = await StartAsync(new ServerOptions { OpenReflection = open });
        using var channel = GrpcChannel.ForAddress(server.Host.Address);
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
        if (open)
        {
            await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "*" });
            Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(Calls.Patience));
            await call.RequestStream.CompleteAsync();
        }
        else
        {
            await Calls.FailsAsync(StatusCode.Unauthenticated, () => call.ResponseStream.MoveNext(CancellationToken.None));
        }
    }

    [Fact]
    public async Task Chat_OverStreamsOfKey_IsRefusedUntilOneEnds()
    {
        await using var server = await StartAsync(executor: new FakeExecutorOptions { Gated = true });
        using var alice = server.Connect(new LlmServeClientOptions { ApiKey = Alice });
        using var bob = server.Connect(new LlmServeClientOptions { ApiKey = Bob });
        var first = alice.ChatAsync(TestServer.Chat("1")).ToListAsync();
        var second = alice.ChatAsync(TestServer.Chat("2")).ToListAsync();
        using (var patience = new CancellationTokenSource(Calls.Patience))
        {
            while (server.Host.RunningCalls < 2)
            {
                await Task.Delay(1, patience.Token);
            }
        }

        var refused = await Calls.FailsAsync(StatusCode.ResourceExhausted, () => alice.ChatAsync(TestServer.Chat("no")).ToListAsync());
        Assert.Equal("the API key 'alice' has 2 answers running, and may have 2; wait for one to end", refused.Status.Detail);
        await alice.ListModelsAsync();
        var other = bob.ChatAsync(TestServer.Chat("3")).ToListAsync();
        server.Executor.Gate.Open();
        foreach (var answer in await Task.WhenAll(first, second, other).WaitAsync(Calls.Patience))
        {
            Assert.Equal(TestServer.Answer, answer.Text());
        }

        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(TestServer.Answer, (await alice.ChatAsync(TestServer.Chat("again")).ToListAsync()).Text());
        }
    }

    [Fact]
    public async Task Chat_CancelledStream_FreesItsPlaceOfTheKey()
    {
        await using var server = await StartAsync(
            new ServerOptions { ApiKeys = [Key("alice", Alice) with { MaxStreams = 1 }] }, new FakeExecutorOptions { Next = _ => 'x', ContextLength = 4096 });
        using var alice = server.Connect(new LlmServeClientOptions { ApiKey = Alice });
        using (var cancel = new CancellationTokenSource())
        {
            await using var answer = alice.ChatAsync(TestServer.Chat("Hi"), cancel.Token).GetAsyncEnumerator(CancellationToken.None);
            Assert.True(await answer.MoveNextAsync());
            await cancel.CancelAsync();
        }

        // The server hears of it a little later.
        using var patience = new CancellationTokenSource(Calls.Patience);
        while (true)
        {
            patience.Token.ThrowIfCancellationRequested();
            try
            {
                await alice.ChatAsync(TestServer.Chat("Hi", new GenerationOptions { MaxTokens = 1 }), patience.Token).ToListAsync();
                return;
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
            {
                await Task.Delay(1, patience.Token);
            }
        }
    }

    [Fact]
    public async Task Call_OverTokensOfKey_FailsNamingFieldAndKey()
    {
        await using var server = await StartAsync(new ServerOptions
        {
            MaxPromptTokens = 100,
            MaxOutputTokens = 50,
            ApiKeys = [Key("alice", Alice) with { MaxPromptTokens = 5, MaxOutputTokens = 3 }, Key("bob", Bob)],
        });
        using var alice = server.Connect(new LlmServeClientOptions { ApiKey = Alice });
        using var bob = server.Connect(new LlmServeClientOptions { ApiKey = Bob });
        var six = new GenerateRequest { TokenIds = new TokenIds { Ids = { 1, 2, 3, 4, 5, 6 } }, Options = new GenerationOptions { IgnoreEndOfGeneration = true } };
        var five = new GenerateRequest(six) { TokenIds = new TokenIds { Ids = { 1, 2, 3, 4, 5 } } };

        var exception = await Calls.FailsOnAsync("token_ids.ids", () => alice.GenerateAsync(six).ToListAsync());
        Assert.Contains("has 6 tokens; the API key 'alice' allows at most 5", exception.Status.Detail, StringComparison.Ordinal);
        var long4 = new GenerateRequest(five);
        long4.Options.MaxTokens = 4;
        exception = await Calls.FailsOnAsync("options.max_tokens", () => alice.GenerateAsync(long4).ToListAsync());
        Assert.Contains("is 4; the API key 'alice' allows at most 3", exception.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(3, (await alice.GenerateAsync(five).ToListAsync())[^1].Usage.CompletionTokens);
        var bobs = (await bob.GenerateAsync(six).ToListAsync())[^1];
        Assert.Equal(50, bobs.Usage.CompletionTokens);
        Assert.Equal(FinishReason.Length, bobs.FinishReason);
        exception = await Calls.FailsOnAsync("messages", () => bob.ChatAsync(TestServer.Chat(new string('x', 200))).ToListAsync());
        Assert.Contains("this server allows at most 100", exception.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StartAsync_WithWrongKeys_FailsWithoutRepeatingThem()
    {
        Assert.Throws<OptionException>(() => ApiKey.HashOf("short"));
        Assert.DoesNotContain("a key with spaces", Assert.Throws<OptionException>(() => ApiKey.HashOf("a key with spaces")).Message, StringComparison.Ordinal);
        Assert.Throws<OptionException>(() => new ApiKey { Name = "x", Sha256 = "12" });
        await using var server = await TestServer.StartAsync();
        var model = server.Model("m", null);
        foreach (ApiKey[] keys in (ApiKey[][])[
            [Key("a b", Alice)], [Key("", Alice)], [Key("a", Alice), Key("a", Bob)], [Key("a", Alice), Key("b", Alice)],
            [Key("a", Alice) with { MaxStreams = 0 }], [Key("a", Alice) with { Priority = 1000 }]])
        {
            var exception = await Assert.ThrowsAsync<OptionException>(() => LlmServeHost.StartAsync([model], new ServerOptions { Port = 0, ApiKeys = keys }));
            Assert.Equal(nameof(ServerOptions.ApiKeys), exception.Option);
            Assert.DoesNotContain(Alice, exception.Message, StringComparison.Ordinal);
        }

        Assert.DoesNotContain(ApiKey.HashOf(Alice), Key("a", Alice).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Alice, new LlmServeClientOptions { ApiKey = Alice }.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void HashOf_Key_IsItsSha256() =>
        // printf %s 0123456789abcdef | sha256sum
        Assert.Equal("9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f", ApiKey.HashOf("0123456789abcdef"));

    private static ApiKey Key(string name, string key) => new() { Name = name, Sha256 = ApiKey.HashOf(key) };

    private static Task<TestServer> StartAsync(ServerOptions? options = null, FakeExecutorOptions? executor = null)
    {
        options ??= new ServerOptions { GracePeriod = TimeSpan.FromSeconds(5) };
        return TestServer.StartAsync(executor, options: options.ApiKeys.Count > 0 ? options : options with
        {
            ApiKeys = [Key("alice", Alice) with { MaxStreams = 2 }, Key("bob", Bob)],
        });
    }
}
