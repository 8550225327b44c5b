using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LlmServe.Cli.App;
using LlmServe.Cli.Serve;
using LlmServe.Cli.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests;

/// <summary>Whom <c>health</c> and <c>plan</c> ask when no server is named.</summary>
public sealed class OwnServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("http://127.0.0.1:8080")]
    [InlineData("http://127.0.0.1:9000", "LLMSERVE_PORT=9000")]
    [InlineData("http://127.0.0.1:9000", "LLMSERVE_PORT=9000", "LLMSERVE_HOST=0.0.0.0")]
    [InlineData("http://[::1]:8080", "LLMSERVE_HOST=::")]
    [InlineData("http://[fe80::1]:8080", "LLMSERVE_HOST=fe80::1")]
    [InlineData("http://10.1.2.3:8080", "LLMSERVE_HOST=10.1.2.3")]
    public void Find_Environment_IsWhereServeWouldListen(string address, params string[] variables)
    {
        var own = OwnServer.Find(variables.Select(variable => variable.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]));

        Assert.Equal((address, null), (own.Address, own.Certificate));
    }

    [Fact]
    public async Task Health_ServerWithTlsForItsPublicName_IsFoundAndTrustedByItsSettings()
    {
        using var certificate = Certificate();
        var variables = new Dictionary<string, string>
        {
            ["LLMSERVE_TLS_CERT"] = _folder.Write("server.pem", certificate.ExportCertificatePem()),
            ["LLMSERVE_TLS_KEY"] = _folder.Write("server.key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()),
            ["LLMSERVE_PORT"] = "0",
        };
        await using var server = await ServingCommand.StartAsync([], variables);
        variables["LLMSERVE_PORT"] = new Uri(server.Address).Port.ToString();

        Assert.Equal("serving\n", (await new CliHarness(environment: variables).RunAsync("health")).Out);

        using var other = Certificate();
        variables["LLMSERVE_TLS_CERT"] = _folder.Write("other.pem", other.ExportCertificatePem());
        Assert.Equal(ExitCode.Failure, (await new CliHarness(environment: variables).RunAsync("health")).Code);
    }

    [Fact]
    public async Task Health_Wait_GivesAServerTimeToStart()
    {
        int port = FreePort();
        var health = new CliHarness().RunAsync("health", "--wait", "60", "--server", $"127.0.0.1:{port}");
        await Task.Delay(500);
        Assert.False(health.IsCompleted);

        await using var server = await ServingCommand.StartAsync(["--port", $"{port}"]);

        Assert.Equal((ExitCode.Ok, "serving\n"), await health is var result ? (result.Code, result.Out) : default);
    }

    [Fact]
    public async Task Health_WaitInVain_SaysWhatTheLastTryMet()
    {
        var result = await new CliHarness().RunAsync("health", "--wait", "1", "--server", "127.0.0.1:1");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("http://127.0.0.1:1 is not healthy", result.Error);
    }

    [Fact]
    public async Task Health_SettingThatCannotBeRead_NamesIt()
    {
        var result = await new CliHarness(environment: new Dictionary<string, string> { ["LLMSERVE_TLS_CERT"] = "/no/such.pem" }).RunAsync("health");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("environment variable LLMSERVE_TLS_CERT: cannot read a certificate from /no/such.pem", result.Error);
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=llm.example.org", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
