using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LlmServe.Cli.App;
using LlmServe.Cli.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests;

/// <summary>Wrong ways to reach a real server in this process, with and without TLS.</summary>
public sealed class ConnectionProblemTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("chat", "Hi", "--server")]
    [InlineData("health", "--server")]
    [InlineData("plan", "Hi", "--server")]
    [InlineData("loadtest", "--server")]
    public async Task Connect_HttpsToAServerWithoutTls_NamesTheScheme(params string[] command)
    {
        await using var server = await StartAsync();

        await AssertFailsAsync([.. command, server.Address.Replace("http:", "https:", StringComparison.Ordinal)],
            " answers, but not with TLS; if that server has no certificate, write http://\n");
    }

    [Theory]
    [InlineData("chat", "Hi", "--server")]
    [InlineData("health", "--server")]
    public async Task Connect_HttpToAServerWithTls_NamesTheScheme(params string[] command)
    {
        await using var server = await StartAsync(Certificate("127.0.0.1", 1));

        await AssertFailsAsync([.. command, server.Address.Replace("https:", "http:", StringComparison.Ordinal)],
            " answers, but not with HTTP/2 in clear text; if that server has a certificate, write https:// (and --tls-ca FILE where no public root stands behind it)\n");
    }

    [Fact]
    public async Task Connect_UntrustedRoot_NamesTheFlag()
    {
        await using var server = await StartAsync(Certificate("127.0.0.1", 1));

        await AssertFailsAsync(["chat", "Hi", "--server", server.Address],
            " shows a certificate whose root is not trusted here; name that root, or the certificate itself, with --tls-ca FILE (or LLMSERVE_TLS_CA)\n");
        Assert.Equal(ExitCode.Ok, (await new CliHarness().RunAsync("health", "--server", server.Address, "--tls-ca", _folder.File("server.pem"))).Code);
    }

    [Fact]
    public async Task Connect_CertificateOfAnotherName_SaysSo()
    {
        await using var server = await StartAsync(Certificate("127.0.0.2", 1));

        await AssertFailsAsync(["health", "--server", server.Address, "--tls-ca", _folder.File("server.pem")],
            " shows a certificate for other names; use a name or address that it holds, or give the server a certificate for this one\n");
    }

    [Fact]
    public async Task Connect_CertificateThatIsOver_SaysSo()
    {
        await using var server = await StartAsync(Certificate("127.0.0.1", -1));

        await AssertFailsAsync(["health", "--server", server.Address, "--tls-ca", _folder.File("server.pem")],
            " shows a certificate that is not valid today; renew it on the server, or set the clock right\n");
    }

    private static async Task AssertFailsAsync(string[] command, string sentence)
    {
        var result = await new CliHarness().RunAsync(command);

        Assert.Equal((ExitCode.Failure, ""), (result.Code, result.Out));
        Assert.EndsWith(sentence, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    private static X509Certificate2 Certificate(string address, int days)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=llmserve test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(days - 2), DateTimeOffset.UtcNow.AddDays(days));
    }

    private Task<ServingCommand> StartAsync(X509Certificate2? certificate = null)
    {
        if (certificate is null)
        {
            return ServingCommand.StartAsync(["--port", "0"]);
        }

        using (certificate)
        {
            return ServingCommand.StartAsync(
            [
                "--port", "0", "--tls-cert", _folder.Write("server.pem", certificate.ExportCertificatePem()),
                "--tls-key", _folder.Write("server.key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()),
            ]);
        }
    }
}
