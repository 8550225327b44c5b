using System.Net;
using System.Text.Json;
using Grpc.Core;
using LlmServe.Client;
using LlmServe.Serving;

namespace LlmServe.Server.Tests;

/// <summary>HTTP/1.1, HTTP/2 and gRPC on one port, with and without TLS.</summary>
public sealed class OnePortTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    public async Task Health_OverEachProtocol_IsAnsweredBesideGrpc(int version, bool tls)
    {
        using var certificate = TestCertificate.Create();
        await using var server = await TestServer.StartAsync(
            options: new ServerOptions { Certificate = tls ? ServerCertificate.From(certificate) : null });
        using var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => certificate.Equals(shown) },
        })
        {
            DefaultRequestVersion = new Version(version, version == 1 ? 1 : 0),
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var client = server.Connect(tls ? new LlmServeClientOptions { TrustedRoots = [certificate] } : null);

        for (int i = 0; i < 3; i++)
        {
            using var response = await http.GetAsync(new Uri(server.Host.Address, "/health")).WaitAsync(Calls.Patience);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(version, response.Version.Major);
            Assert.Equal("""{"status":"ok"}""", await response.Content.ReadAsStringAsync());
            Assert.Equal(TestServer.Answer, (await client.ChatAsync(TestServer.Chat("Hi")).ToListAsync()).Text());
        }

    }

    [Fact]
    public async Task Path_ThatLeadsNowhere_NeedsAKeyAndSaysNothingWithoutOne()
    {
        const string Key = "alice-alice-alice-alice";
        await using var server = await TestServer.StartAsync(
            options: new ServerOptions { ApiKeys = [new ApiKey { Name = "alice", Sha256 = ApiKey.HashOf(Key) }] });
        using var http = new HttpClient { BaseAddress = server.Host.Address };
        foreach (string path in (string[])["/", "/nowhere", "/v1/nowhere", "/llmserve.v1.ChatService/Chat"])
        {
            using var refused = await http.GetAsync(new Uri(path, UriKind.Relative));
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
            var error = JsonDocument.Parse(await refused.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
            Assert.Equal("invalid_api_key", error.GetProperty("code").GetString());
        }

        Assert.Equal("""{"status":"ok"}""", await http.GetStringAsync(new Uri("/health", UriKind.Relative)));
        foreach (var (name, value) in ((string, string)[])[("Authorization", $"Bearer {Key}"), ("x-api-key", Key), ("api-key", Key)])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/nowhere");
            request.Headers.Add(name, value);
            Assert.Equal(HttpStatusCode.NotFound, (await http.SendAsync(request)).StatusCode);
        }

        // Which services there are is for those who have a key.
        using var raw = new RawClient(server.Host.Address);
        foreach (var (service, method) in ((string, string)[])[
            ("llmserve.v1.ChatService", "Chat"), ("llmserve.v1.ChatService", "Sing"), ("llmserve.v1.NoService", "Sing"),
            ("inference.GRPCInferenceService", "ServerLive")])
        {
            var (status, _) = await raw.StreamAsync(service, method, []);
            Assert.Equal(StatusCode.Unauthenticated, status.StatusCode);
            (status, _) = await raw.StreamAsync(service, method, [], new Metadata { { "authorization", $"Bearer {Key}" } });
            Assert.NotEqual(StatusCode.Unauthenticated, status.StatusCode);
        }
    }

    [Fact]
    public async Task Health_OfServerThatStops_IsUnavailable()
    {
        await using var server = await TestServer.StartAsync(
            new() { Gated = true }, options: new ServerOptions { GracePeriod = TimeSpan.FromMinutes(1) });
        using var http = new HttpClient { BaseAddress = server.Host.Address };
        var running = server.Client.ChatAsync(TestServer.Chat("Hi")).ToListAsync();
        await server.Executor.Gate.WhenHeldAsync().WaitAsync(Calls.Patience);
        var stop = server.Host.StopAsync();

        using var response = await http.GetAsync(new Uri("/health", UriKind.Relative));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        server.Executor.Gate.Open();
        await running.WaitAsync(Calls.Patience);
        await stop.WaitAsync(Calls.Patience);
    }
}
