using System.Globalization;
using System.Net;
using System.Net.Sockets;
using LlmServe.Client;
using LlmServe.V1;

namespace LlmServe.Server.Tests;

/// <summary>Metrics and log lines. Instruments belong to the process, so other tests' calls may be counted too: figures are lower bounds.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public async Task Metrics_AfterACall_CountIt()
    {
        await using var server = await TestServer.StartAsync(options: new ServerOptions { Metrics = new MetricsOptions { Port = 0 } });
        var address = server.Host.MetricsAddress;
        Assert.NotNull(address);
        Assert.Equal("/metrics", address.AbsolutePath);
        Assert.NotEqual(server.Host.Endpoint.Port, address.Port);
        var last = (await server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync())[^1];

        using var http = new HttpClient { Timeout = Calls.Patience };
        string page = await http.GetStringAsync(address);
        Assert.True(Sum(page, "http_server_request_duration_seconds_count") >= 1, page);
        Assert.True(Sum(page, "dotnet_gc_heap_total_allocated_bytes_total") > 0 || page.Contains("dotnet_", StringComparison.Ordinal), page);
        Assert.True(last.Usage.CompletionTokens > 0);
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
        var exception = await Assert.ThrowsAsync<IOException>(
            () => LlmServeHost.StartAsync([model], new ServerOptions { Port = 0, Metrics = new MetricsOptions { Port = port } }));
        Assert.Contains($"the metrics page cannot listen on 127.0.0.1:{port}", exception.Message, StringComparison.Ordinal);
        foreach (var metrics in (MetricsOptions[])[new() { Port = -1 }, new() { Path = "metrics" }, new() { Path = "/a b" }, new() { Host = "nowhere" }, new() { Port = 4711 }])
        {
            await Assert.ThrowsAsync<ArgumentException>(() => LlmServeHost.StartAsync([model], new ServerOptions { Port = 4711, Metrics = metrics }));
        }
    }

    [Fact]
    public async Task Log_OfCalls_HasOneLineEachWithWhoAndWhat()
    {
        const string key = "alice-alice-alice-alice";
        await using var server = await TestServer.StartAsync(
            options: new ServerOptions { ApiKeys = [new ApiKey { Name = "alice", Sha256 = ApiKey.HashOf(key) }] });
        using var alice = server.Connect(new LlmServeClientOptions { ApiKey = key });
        var last = (await alice.ChatAsync(TestServer.Chat("Hi")).ToListAsync())[^1];
        string line = await server.Logs.WaitForAsync(10);
        Assert.StartsWith(
            $"/llmserve.v1.ChatService/Chat: OK, Stop, {last.Usage.PromptTokens} (0 cached) + {last.Usage.CompletionTokens} tokens in ", line, StringComparison.Ordinal);
        Assert.Contains("; client alice, model fake, request ", line, StringComparison.Ordinal);

        await alice.ListModelsAsync();
        Assert.Matches(@"^/llmserve\.v1\.ModelService/ListModels: OK  in \d\.\d{3} s; client alice, request .+, trace ", await server.Logs.WaitForAsync(11));
        Assert.DoesNotContain(server.Logs.Entries, entry => entry.Message.Contains(key, StringComparison.Ordinal));
    }

    /// <summary>The sum of a metric over its labels; −1 if it is not there.</summary>
    internal static double Sum(string page, string metric)
    {
        var values = page.Split('\n')
            .Where(line => line.StartsWith(metric, StringComparison.Ordinal) && line.Length > metric.Length && line[metric.Length] is '{' or ' ')
            .Select(line => double.Parse(line[(line.IndexOf('}') + 1)..].Trim().Split(' ')[line.Contains('}') ? 0 : 1], CultureInfo.InvariantCulture))
            .ToList();
        return values.Count == 0 ? -1 : values.Sum();
    }
}
