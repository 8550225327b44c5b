using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Health.V1;
using LlmServe.Client;
using LlmServe.Serving;

namespace LlmServe.Server.Tests;

public sealed class TlsTests
{
    [Fact]
    public async Task Chat_OverTls_IsAnsweredToClientThatTrustsCertificate()
    {
        using var certificate = TestCertificate.Create();
        await using var server = await StartAsync(ServerCertificate.From(certificate));
        Assert.Equal("https", server.Host.Address.Scheme);
        using var client = server.Connect(Trusting(certificate));

        Assert.Equal(TestServer.Answer, (await client.ChatAsync(TestServer.Chat("Hi")).ToListAsync()).Text());
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await client.CheckHealthAsync());
    }

    [Fact]
    public async Task Call_OverTls_OfClientThatDoesNotTrustCertificate_Fails()
    {
        using var certificate = TestCertificate.Create();
        using var other = TestCertificate.Create();
        await using var server = await StartAsync(ServerCertificate.From(certificate));
        foreach (var options in (LlmServeClientOptions[])[new(), Trusting(other)])
        {
            using var client = server.Connect(options);
            await Assert.ThrowsAsync<RpcException>(() => client.ListModelsAsync()).WaitAsync(Calls.Patience);
        }
    }

    [Theory]
    [InlineData(-1, true)]
    [InlineData(1, false)]
    [InlineData(3, true)]
    public async Task StartAsync_WithCertificateOutOfDate_Warns(int days, bool warns)
    {
        using var certificate = TestCertificate.Create(days);
        await using var server = await StartAsync(ServerCertificate.From(certificate));
        Assert.Equal(warns, server.Logs.Entries.Any(entry => entry.Event == 8));
    }

    [Fact]
    public async Task Call_WithoutTls_ToServerWithTls_Fails()
    {
        using var certificate = TestCertificate.Create();
        await using var server = await StartAsync(ServerCertificate.From(certificate));
        using var client = new LlmServeClient($"http://127.0.0.1:{server.Host.Endpoint.Port}", new LlmServeClientOptions { Timeout = Calls.Patience });
        await Assert.ThrowsAsync<RpcException>(() => client.ListModelsAsync()).WaitAsync(Calls.Patience);
    }

    [Fact]
    public async Task FromPem_FilesOfCertificateAndKey_Serve()
    {
        using var certificate = TestCertificate.Create();
        using var folder = new Folder();
        string pem = folder.Write("server.pem", certificate.ExportCertificatePem());
        string key = folder.Write("server.key", KeyOf(certificate).ExportPkcs8PrivateKeyPem());
        string encrypted = folder.Write("encrypted.key", KeyOf(certificate).ExportEncryptedPkcs8PrivateKeyPem(
            "secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        foreach (var loaded in (ServerCertificate[])[ServerCertificate.FromPem(pem, key), ServerCertificate.FromPem(pem, encrypted, "secret")])
        {
            await using var server = await StartAsync(loaded);
            using var client = server.Connect(Trusting(certificate));
            await client.ListModelsAsync();
        }

        Assert.Contains(encrypted, Assert.Throws<OptionException>(() => ServerCertificate.FromPem(pem, encrypted, "wrong")).Message, StringComparison.Ordinal);
        Assert.Throws<OptionException>(() => ServerCertificate.FromPem(key, pem));
        Assert.ThrowsAny<IOException>(() => ServerCertificate.FromPem(pem, folder.Path("missing")));
        using var other = TestCertificate.Create();
        string strange = folder.Write("other.key", KeyOf(other).ExportPkcs8PrivateKeyPem());
        Assert.Contains("BEGIN ENCRYPTED PRIVATE KEY", Assert.Throws<OptionException>(() => ServerCertificate.FromPem(pem, strange)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FromPfx_FileWithPassword_Serves()
    {
        using var certificate = TestCertificate.Create();
        using var folder = new Folder();
        string pfx = folder.Path("server.pfx");
        File.WriteAllBytes(pfx, certificate.Export(X509ContentType.Pkcs12, "secret"));
        await using var server = await StartAsync(ServerCertificate.FromPfx(pfx, "secret"));
        using var client = server.Connect(Trusting(certificate));
        await client.ListModelsAsync();

        var exception = Assert.Throws<OptionException>(() => ServerCertificate.FromPfx(pfx, "wrong-password"));
        Assert.Contains(pfx, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-password", exception.Message, StringComparison.Ordinal);
        Assert.Throws<OptionException>(() => ServerCertificate.FromPfx(folder.Write("no.pfx", "no"), null));
    }

    private static ECDsa KeyOf(X509Certificate2 certificate) => certificate.GetECDsaPrivateKey()!;

    private static LlmServeClientOptions Trusting(X509Certificate2 root) => new() { TrustedRoots = [root], Timeout = Calls.Patience };

    private static Task<TestServer> StartAsync(ServerCertificate certificate) => TestServer.StartAsync(options: new ServerOptions { Certificate = certificate });

    private sealed class Folder : IDisposable
    {
        private readonly string _path = Directory.CreateTempSubdirectory("llmserve-test-").FullName;

        public string Path(string name) => System.IO.Path.Combine(_path, name);

        public string Write(string name, string text)
        {
            File.WriteAllText(Path(name), text);
            return Path(name);
        }

        public void Dispose() => Directory.Delete(_path, recursive: true);
    }
}
