using System.Globalization;
using System.Net;
using System.Net.Sockets;
using LlmServe.Client;
using LlmServe.Engine;
using LlmServe.Serving;
using LlmServe.Testing.Fakes;

namespace LlmServe.Server.Tests;

/// <summary>Metrics and log lines.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public async Task Metrics_AfterACall_CountIt()
    {
        await using var server = await TestServer.StartAsync(
            engine: new EngineOptions { Name = "metered", MeasureFirst = true, Speculate = 0 }, options: new ServerOptions { Metrics = new MetricsOptions { Port = 0 } });
        var address = server.Host.MetricsAddress;
        Assert.NotNull(address);
        Assert.Equal("/metrics", address.AbsolutePath);
        Assert.NotEqual(server.Host.Endpoint.Port, address.Port);
        var last = (await server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync())[^1];
        await server.Logs.WaitForAsync(10);

        using var http = new HttpClient { Timeout = Calls.Patience };
        string page = await http.GetStringAsync(address);
        double ticks = Sum(page, "llmserve_ticks_total");
        Assert.InRange(ticks, last.Usage.CompletionTokens, last.Usage.CompletionTokens + 1);
        Assert.Equal(last.Usage.PromptTokens, Sum(page, "llmserve_tokens_prefill_total"));
        Assert.Equal(last.Usage.CompletionTokens - 1, Sum(page, "llmserve_tokens_decode_total"));
        Assert.Equal(ticks, Sum(page, "llmserve_tick_duration_seconds_count"));
        Assert.Equal(last.Usage.PromptTokens + last.Usage.CompletionTokens - 1, Sum(page, "llmserve_tick_rows_sum"));
        Assert.Equal(1, Sum(page, "gen_ai_server_time_to_first_token_seconds_count"));
        Assert.Equal(1, Sum(page, "llmserve_request_queue_duration_seconds_count"));
        Assert.Equal(1, Sum(page, "llmserve_requests_total"));
        Assert.Equal(0, Sum(page, "llmserve_requests_waiting"));
        Assert.Equal(128, Sum(page, "llmserve_kv_blocks"));
        double firstToken = Sum(page, "gen_ai_server_time_to_first_token_seconds_sum");
        Assert.InRange(firstToken, 1e-9, Calls.Patience.TotalSeconds);
        Assert.Contains("http_server_request_duration_seconds_count", page, StringComparison.Ordinal);
        Assert.Contains("dotnet_", page, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri(address, "/other"))).StatusCode);
    }

    [Fact]
    public async Task Metrics_WithoutOption_AreNowhere()
    {
        await using var server = await TestServer.StartAsync();
        Assert.Null(server.Host.MetricsAddress);
    }

    [Fact]
    public async Task StartAsync_WithMetricsThatCannotBe_FailsAndSaysSo()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var server = await TestServer.StartAsync();
        var model = server.Model("m", null);
        var exception = await Assert.ThrowsAsync<ListenException>(
            () => LlmServeHost.StartAsync([model], new ServerOptions { Port = 0, Metrics = new MetricsOptions { Port = port } }));
        Assert.Contains($"the metrics page cannot listen on 127.0.0.1:{port}", exception.Message, StringComparison.Ordinal);
        // An address for documentation, which no machine has.
        exception = await Assert.ThrowsAsync<ListenException>(
            () => LlmServeHost.StartAsync([model], new ServerOptions { Port = 0, Metrics = new MetricsOptions { Host = "192.0.2.1", Port = port } }));
        Assert.Contains($"the metrics page cannot listen on 192.0.2.1:{port}", exception.Message, StringComparison.Ordinal);
        foreach (var metrics in (MetricsOptions[])[new() { Port = -1 }, new() { Path = "metrics" }, new() { Path = "/a b" }, new() { Host = "nowhere" }, new() { Port = 4711 }])
        {
            await Assert.ThrowsAsync<OptionException>(() => LlmServeHost.StartAsync([model], new ServerOptions { Port = 4711, Metrics = metrics }));
        }
    }

    [Fact]
    public async Task Metrics_WithKey_AskForIt()
    {
        const string Key = "alice-alice-alice-alice";
        await using var server = await TestServer.StartAsync(options: new ServerOptions
        {
            ApiKeys = [new ApiKey { Name = "alice", Sha256 = ApiKey.HashOf(Key) }],
            Metrics = new MetricsOptions { Port = 0, AsksForKey = true },
        });
        using var http = new HttpClient { Timeout = Calls.Patience };
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync(server.Host.MetricsAddress)).StatusCode);
        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {Key}");
        Assert.Contains("dotnet_", await http.GetStringAsync(server.Host.MetricsAddress), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.0.0", false, true)]
    [InlineData("0.0.0.0", true, false)]
    [InlineData("127.0.0.1", false, false)]
    public async Task StartAsync_WithOpenMetrics_SaysSo(string host, bool key, bool warns)
    {
        await using var server = await TestServer.StartAsync(options: new ServerOptions
        {
            ApiKeys = [new ApiKey { Name = "alice", Sha256 = ApiKey.HashOf("alice-alice-alice-alice") }],
            Metrics = new MetricsOptions { Port = 0, Host = host, AsksForKey = key },
        });
        Assert.Equal(warns, server.Logs.Entries.Any(entry => entry.Event == 20));
    }

    [Fact]
    public async Task Log_OfCancelledCall_HasItsTokensAndTimes()
    {
        await using var server = await TestServer.StartAsync(new FakeExecutorOptions { Next = _ => 'x', ContextLength = 4096 });
        using (var cancel = new CancellationTokenSource())
        {
            await using var answer = server.Client.ChatAsync(TestServer.Chat("Hi"), cancel.Token).GetAsyncEnumerator(CancellationToken.None);
            Assert.True(await answer.MoveNextAsync());
            await cancel.CancelAsync();
        }

        string line = await server.Logs.WaitForAsync(10);
        Assert.Matches(@"^/llmserve\.v1\.ChatService/Chat: Cancelled, Cancelled, \d+ \(0 cached\) \+ [1-9]\d* tokens in \d", line);
    }

    [Fact]
    public async Task Log_OfCalls_HasOneLineEachWithWhoAndWhat()
    {
        const string Key = "alice-alice-alice-alice";
        await using var server = await TestServer.StartAsync(
            options: new ServerOptions { ApiKeys = [new ApiKey { Name = "alice", Sha256 = ApiKey.HashOf(Key) }] });
        using var alice = server.Connect(new LlmServeClientOptions { ApiKey = Key });
        var last = (await alice.ChatAsync(TestServer.Chat("Hi")).ToListAsync())[^1];
        string line = await server.Logs.WaitForAsync(10);
        Assert.StartsWith(
            $"/llmserve.v1.ChatService/Chat: OK, Stop, {last.Usage.PromptTokens} (0 cached) + {last.Usage.CompletionTokens} tokens in ", line, StringComparison.Ordinal);
        Assert.Contains("; client alice, model fake, request ", line, StringComparison.Ordinal);

        await alice.ListModelsAsync();
        Assert.Matches(@"^/llmserve\.v1\.ModelService/ListModels: OK in \d\.\d{3} s; client alice, request .+, trace ", await server.Logs.WaitForAsync(11));
        Assert.DoesNotContain(server.Logs.Entries, entry => entry.Message.Contains(Key, StringComparison.Ordinal));
    }

    /// <summary>The sum of a metric of the engine that is named "metered"; other tests' engines are on the page too. −1 if it is not there.</summary>
    private static double Sum(string page, string metric)
    {
        var values = page.Split('\n')
            .Where(line => line.StartsWith(metric + "{", StringComparison.Ordinal) && line.Contains("gen_ai_request_model=\"metered\"", StringComparison.Ordinal))
            .Select(line => double.Parse(line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture))
            .ToList();
        return values.Count == 0 ? -1 : values.Sum();
    }
}
